import type { Application } from './application.js';
import { KNOWN_METHODS } from './message.js';

/** Event subscriptions that drachtio-server accepts as verbs. They are accepted and never served. */
const CDR_VERBS = ['cdr:attempt', 'cdr:start', 'cdr:stop'];

/** Which application wants which method. */
export class ApplicationRoutes {
  readonly #byVerb = new Map<string, Application[]>();

  /** False when the verb is unknown. Asking twice changes nothing: drachtio-srf repeats all its routes. */
  add(application: Application, verb: string): boolean {
    if (!KNOWN_METHODS.has(verb.toUpperCase()) && !CDR_VERBS.includes(verb)) return false;
    const wanting = this.#byVerb.get(verb) ?? [];
    if (!wanting.includes(application)) this.#byVerb.set(verb, [...wanting, application]);
    return true;
  }

  /** False when the verb is unknown. */
  remove(application: Application, verb: string): boolean {
    if (!KNOWN_METHODS.has(verb.toUpperCase()) && !CDR_VERBS.includes(verb)) return false;
    this.#drop(application, verb);
    return true;
  }

  removeAll(application: Application): void {
    for (const verb of this.#byVerb.keys()) this.#drop(application, verb);
  }

  /** The next application in turn that wants the method. */
  next(method: string): Application | undefined {
    const verb = method.toLowerCase();
    const [first, ...rest] = this.#byVerb.get(verb) ?? [];
    if (first && rest.length > 0) this.#byVerb.set(verb, [...rest, first]);
    return first;
  }

  #drop(application: Application, verb: string): void {
    const rest = (this.#byVerb.get(verb) ?? []).filter((each) => each !== application);
    this.#byVerb.set(verb, rest);
  }
}
