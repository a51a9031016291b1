import { ParseError, type ParseResult } from '@marcbachmann/cel-js';
import type { ActionCheck, ResultType } from './actions/action.js';
import { bareName } from './actions/fields.js';
import { ACTIONS } from './actions/registry.js';
import type { FieldKind } from './commands.js';
import type { Path } from './document.js';
import { durationText, milliseconds } from './duration.js';
import { checkingEnvironment } from './expressions/environment.js';
import type { ExpressionSource } from './expressions/evaluate.js';
import { expressionUse, type Reference } from './expressions/references.js';
import { parseTemplate } from './expressions/template.js';
import type { Action, Flow } from './flow.js';
import { circle, type FlowInterface, type FlowInterfaces, misplaced, secureBot } from './flow-interface.js';
import { nearest } from './nearest.js';
import { PromptCheck } from './prompt-check.js';

export type Report = (path: Path, message: string, remedy: string) => void;

const ACCEPTED: Readonly<Record<ResultType, ReadonlySet<string>>> = {
  bool: new Set(['bool', 'dyn']),
  string: new Set(['string', 'dyn']),
  number: new Set(['int', 'uint', 'double', 'dyn']),
  any: new Set(['bool', 'string', 'int', 'uint', 'double', 'null', 'dyn']),
};
const WORDS: Readonly<Record<ResultType, string>> = {
  bool: 'true or false',
  string: 'a text',
  number: 'a number',
  any: 'a text, a number, true, false or null',
};

/** What is known of a value by its type in CEL. */
const KNOWN: Readonly<Record<string, ResultType>> = {
  bool: 'bool',
  string: 'string',
  int: 'number',
  uint: 'number',
  double: 'number',
};

/** What an author who forgot them is told. */
const QUOTES = `a text in CEL has quotes of its own, as '"approved"'`;

const CALL_FACTS = ['id', 'from', 'to', 'invocationData', 'language'];

/** What is known of the flows beside the one that is checked. */
export interface OtherFlows {
  /** By name, the checked one among them. */
  readonly flows: FlowInterfaces;
}

/** Finds what a schema cannot say: names, types, secure values in the open, paths that never end. */
export class FlowCheck {
  readonly #flow: Flow;
  readonly #others: OtherFlows | null;
  readonly #report: Report;
  readonly #environment: ReturnType<typeof checkingEnvironment>;
  readonly #collected: ReadonlyMap<string, ReadonlySet<FieldKind>>;

  constructor(
    flow: Flow,
    collected: ReadonlyMap<string, ReadonlySet<FieldKind>>,
    others: OtherFlows | null,
    report: Report,
  ) {
    this.#flow = flow;
    this.#others = others;
    this.#report = report;
    this.#collected = collected;
    const cel = { string: 'string', number: 'dyn', boolean: 'bool' } as const;
    this.#environment = checkingEnvironment(
      Object.fromEntries(Object.entries(flow.variables).map(([name, { type }]) => [name, cel[type]])),
    );
  }

  action(action: Action, path: Path): void {
    const definition = ACTIONS.get(action.do);
    const only = definition?.only;
    if (only && !only.types.includes(this.#flow.type)) {
      this.#report(
        [...path, 'do'],
        `${action.do} cannot stand in a flow of type ${this.#flow.type}`,
        only.remedy,
      );
    }
    const report: Report = (key, message, remedy) => this.#report([...path, ...key], message, remedy);
    definition?.check?.(action.fields, this.#checkOf(report));
  }

  #checkOf(report: Report): ActionCheck {
    const prompts = new PromptCheck(this.#flow, {
      problem: report,
      template: (key, text) => this.#template(key, text, report),
      expression: (key, source, result) => this.#expression(key, source, result, report),
    });
    return {
      flowType: this.#flow.type,
      languages: this.#flow.languages,
      collected: this.#collected,
      problem: report,
      expression: (key, source, result) => this.#expression(key, source, result, report),
      template: (key, text) => this.#template(key, text, report),
      duration: (key, text, least, most) => {
        const length = text === undefined ? least : milliseconds(text);
        if (length >= least && length <= most) return;
        report(
          key,
          `${text} is out of range`,
          `give a time from ${durationText(least)} to ${durationText(most)}`,
        );
      },
      prompt: (key, prompt) => prompts.prompt(key, prompt),
      callee: (type, key, name) => this.#callee(type, key, name, report),
      task: (key, name) => this.#task(key, name, report),
      flowVariable: (key, reference) => this.#flowVariable(key, reference, report),
      secureVariable: (key, reference) => this.#secureVariable(key, reference, report),
    };
  }

  #template(key: Path, text: string, report: Report): void {
    const template = parseTemplate(text);
    if (typeof template === 'string') {
      report(key, template, 'write {{ expression }}, as in {{ flow.amount }}');
      return;
    }
    for (const source of template.expressions) this.#expression(key, source, 'any', report);
  }

  #expression(key: Path, source: ExpressionSource, result: ResultType, report: Report): ResultType | null {
    if (typeof source !== 'string') {
      const type = typeof source === 'boolean' ? 'bool' : 'double';
      if (!ACCEPTED[result].has(type)) {
        report(key, `'${source}' is not ${WORDS[result]}`, `give an expression that is ${WORDS[result]}`);
        return null;
      }
      return KNOWN[type] ?? 'any';
    }
    let program: ParseResult;
    try {
      program = this.#environment.parse(source);
    } catch (error) {
      const reason = error instanceof ParseError ? error.summary : 'it cannot be read';
      const remedy = source.includes('{{') ? 'write the expression without {{ }}' : QUOTES;
      report(key, `'${source}' is no CEL expression: ${reason}`, remedy);
      return null;
    }
    if (!this.#references(key, source, expressionUse(program.ast), report)) return null;
    const { valid, type = 'dyn', error } = program.check();
    if (!valid) {
      const remedy = error?.code === 'unknown_variable' ? QUOTES : 'convert with string(), int() or double()';
      report(key, `'${source}': ${error?.summary ?? 'the types do not fit'}`, remedy);
      return null;
    }
    if (ACCEPTED[result].has(type)) return KNOWN[type] ?? 'any';
    report(
      key,
      `'${source}' is ${type}, not ${WORDS[result]}`,
      `give an expression that is ${WORDS[result]}`,
    );
    return null;
  }

  #references(key: Path, source: string, use: ReturnType<typeof expressionUse>, report: Report): boolean {
    const before = use.references.filter((reference) => !this.#reference(key, source, reference, report));
    if (use.calls.has('matches')) {
      report(
        key,
        `'${source}' uses matches`,
        'use startsWith, endsWith, contains or size: a pattern can block all calls',
      );
    }
    if (use.loops > 1) {
      report(key, `'${source}' nests one loop in another`, 'use a single map, filter, all or exists');
    }
    return before.length === 0;
  }

  /** False after a problem. */
  #reference(key: Path, source: string, { namespace, name }: Reference, report: Report): boolean {
    if (namespace === 'secure') {
      report(
        key,
        `'${source}' looks at a secure value`,
        'use extractSecureData for its last4, bin, brand or length, or hand it to callSecureData as a secure input',
      );
      return false;
    }
    if (name === null) {
      report(key, `'${source}' uses ${namespace} without a name`, `write ${namespace}.<name>`);
      return false;
    }
    const known =
      namespace === 'flow'
        ? Object.keys(this.#flow.variables)
        : namespace === 'call'
          ? CALL_FACTS
          : this.#flow.dataNames;
    if (known.includes(name)) return true;
    const secure = namespace === 'flow' && this.#flow.secureVariables.includes(name);
    const meant = nearest(name, known);
    const remedy = secure
      ? `${name} is of type secure: use extractSecureData`
      : meant
        ? `did you mean ${namespace}.${meant}?`
        : UNKNOWN[namespace];
    report(key, `${namespace}.${name} is not known`, remedy ?? 'declare it');
    return false;
  }

  #callee(type: 'module' | 'bot', key: Path, name: string, report: Report): FlowInterface | null {
    if (!this.#others) return null;
    const { flows } = this.#others;
    const module = flows.get(name);
    // That there is none of this name is said with all else that flows name and that is not there.
    if (module?.type !== type) return null;
    const round = circle(this.#flow.name, name, flows);
    if (round) {
      const message =
        round.length === 1 ? `the module '${name}' calls itself` : `modules call each other in a circle`;
      const way = [this.#flow.name, ...round].join(' > ');
      report(key, `${message}: ${way}`, 'remove this call, or repeat the actions with a loop');
      return null;
    }
    if (this.#flow.type !== 'module') this.#moduleHere(key, name, flows, report);
    return module;
  }

  /** What a module has, it has in every flow that calls it. */
  #moduleHere(key: Path, name: string, flows: FlowInterfaces, report: Report): void {
    const { type } = this.#flow;
    const odd = misplaced(name, type, flows);
    if (odd) {
      const message = `${odd.action} cannot stand in a flow of type ${type}, and the module '${odd.module}' has one`;
      report(key, message, 'call another module, or call this one from a flow of another type');
      return;
    }
    const bot = type === 'secure' ? null : secureBot(name, flows);
    if (bot === null) return;
    const message = `the bot '${bot}' runs in secure mode, and this flow is of type ${type}`;
    report(key, message, 'call it in a flow of `type: secure` and use transferToSecureFlow');
  }

  #task(key: Path, name: string, report: Report): void {
    const callable = Object.keys(this.#flow.tasks).filter((task) => task !== 'main');
    if (callable.includes(name)) return;
    if (name === 'main') {
      report(key, 'main cannot be called: a run begins there', 'move the actions into a task of their own');
      return;
    }
    const meant = nearest(name, callable);
    const remedy = meant ? `did you mean '${meant}'?` : `add it: tasks: {${name}: [...]}`;
    report(key, `there is no task '${name}'`, remedy);
  }

  #flowVariable(key: Path, reference: string, report: Report): 'string' | 'number' | 'boolean' | null {
    const name = bareName(reference);
    const declared = Object.hasOwn(this.#flow.variables, name) ? this.#flow.variables[name] : undefined;
    if (declared) return declared.type;
    const meant = nearest(name, Object.keys(this.#flow.variables));
    report(
      key,
      `flow.${name} is not declared`,
      meant ? `did you mean flow.${meant}?` : `declare it: variables: {${name}: {type: string}}`,
    );
    return null;
  }

  #secureVariable(key: Path, reference: string, report: Report): string | null {
    const name = bareName(reference);
    if (!this.#flow.secureVariables.includes(name)) {
      const meant = nearest(name, this.#flow.secureVariables);
      report(
        key,
        `${reference} is not declared`,
        meant ? `did you mean secure.${meant}?` : `declare it: variables: {${name}: {type: secure}}`,
      );
      return null;
    }
    if (!this.#collected.has(name)) {
      report(
        key,
        `nothing is ever collected into ${reference}`,
        `add a collectInput with into: ${reference}, or a callSecureData with it among its outputs`,
      );
      return null;
    }
    return name;
  }
}

const UNKNOWN: Readonly<Record<string, string>> = {
  flow: 'declare it under variables',
  call: `known are ${CALL_FACTS.map((fact) => `call.${fact}`).join(', ')}`,
  data: 'data has the names of callData and callSecureData `into`, and of named collects and transfers',
};
