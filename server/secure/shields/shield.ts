/**
 * One thing that could see or hear the caller, and how it is switched off. The shields of a session form one
 * ordered list (`index.ts`); a feature that can see or hear the caller adds a file here and a line there.
 */
export interface Shield {
  readonly name: string;
  /** Switches it off and resolves when that is confirmed by reading it back; rejects when it is not. */
  engage(): Promise<void>;
  /** Switches it on again and confirms. A rejection keeps the caller isolated: the call is then ended. */
  release(): Promise<void>;
}

/** A shield that cannot be engaged, for a reason that people can act on. Its message never holds caller data. */
export class ShieldRefusal extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ShieldRefusal';
  }
}
