/** The part of the WebAssembly API used here: lib.dom declares it, @types/node 20 does not. */
declare global {
  namespace WebAssembly {
    interface Module {
      readonly [Symbol.toStringTag]: 'WebAssembly.Module';
    }
    interface Memory {
      readonly buffer: ArrayBuffer;
    }
    interface Instance {
      readonly exports: Readonly<Record<string, unknown>>;
    }
    function compile(bytes: Uint8Array): Promise<Module>;
    function instantiate(
      module: Module,
      imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
    ): Promise<Instance>;
  }
}

export {};
