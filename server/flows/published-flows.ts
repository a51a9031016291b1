import type { Flow, FlowSet } from '../../flows/flow.js';
import { linked } from '../../flows/flow-interface.js';
import type { LoadedFlows } from '../../flows/loader.js';

/** Where calls find the flow that takes them: asked anew by each, so that a flow can be replaced while calls go on. */
export type Flows = Pick<FlowSet, 'get' | 'values'>;

/** The same flows; those that are taken are added to `taken`. */
export function remembering(flows: Flows, taken: Set<Flow>): Flows {
  const get = (name: string): Flow | undefined => {
    const flow = flows.get(name);
    if (flow) taken.add(flow);
    return flow;
  };
  return { get, values: () => flows.values() };
}

/** The flows that take calls now: those of files, and in their place the published ones of the same names. */
export class PublishedFlows implements Flows {
  readonly #files: FlowSet;
  readonly #current: Map<string, Flow>;

  constructor({ flows, files }: LoadedFlows) {
    this.#files = files;
    this.#current = new Map(flows);
  }

  get(name: string): Flow | undefined {
    return this.#current.get(name);
  }

  values(): MapIterator<Flow> {
    return this.#current.values();
  }

  /** The flow of a file that a published one of this name hides. */
  file(name: string): Flow | undefined {
    return this.#files.get(name);
  }

  /** What calls would find if `flow` stood in the place of those of `name`; without one, no flow would. */
  with(name: string, flow: Flow | undefined): FlowSet {
    const flows = new Map(this.#current);
    if (flow) flows.set(name, flow);
    else flows.delete(name);
    return flows;
  }

  /** New calls find this one from now on, and with it every flow that can come to it as a module. */
  put(flow: Flow): void {
    this.#relink(this.with(flow.name, flow), flow.name);
  }

  /** New calls find the file's flow of this name, or none. */
  withdraw(name: string): void {
    this.#relink(this.with(name, this.#files.get(name)), name);
  }

  /** Flows that the change of `name` does not concern stay the objects that they are: calls are counted by them. */
  #relink(flows: FlowSet, name: string): void {
    for (const [other, flow] of linked(flows)) {
      const before = this.#current.get(other);
      const concerns =
        other === name || [before, flow].some((one) => one && Object.hasOwn(one.modules, name));
      if (concerns || !before) this.#current.set(other, flow);
    }
    if (!flows.has(name)) this.#current.delete(name);
  }
}
