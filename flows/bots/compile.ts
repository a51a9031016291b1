import { collectInput } from '../actions/collect-input.js';
import { decision } from '../actions/decision.js';
import { exitLoop } from '../actions/exit-loop.js';
import { loop } from '../actions/loop.js';
import { menu } from '../actions/menu.js';
import { setVariables } from '../actions/set-variables.js';
import type { Path } from '../document.js';
import type { Action } from '../flow.js';
import { pathText } from '../nested-blocks.js';
import { type BotHeader, COLLECT_KEYS, MENU_KEYS, type SlotSource } from './bot-schema.js';

/** How often a slot that was not confirmed is asked for. */
const ROUNDS = 3;

/**
 * Makes the turns of a local bot out of the actions that every flow has, so that its keys go through the same collector:
 * the opening is a `menu`, each slot a `collectInput` or a `menu`. A slot that is not filled fails the bot, and its error
 * is the reason; an opening without a choice is told in `flow.exit`.
 */
export class BotCompiler {
  /** The actions with their place in the document. */
  readonly paths = new Map<Action, Path>();
  readonly #source: BotHeader;

  constructor(source: BotHeader) {
    this.#source = source;
  }

  main(): readonly Action[] {
    const { opening, intents } = this.#source;
    const [[only] = []] = Object.entries(intents);
    if (!opening) return only === undefined ? [] : this.#intent(only);
    const chosen = Object.entries(intents).flatMap(([name, { key }]) =>
      key === undefined ? [] : [[key, this.#intent(name)] as const],
    );
    const blocks = Object.fromEntries(chosen.map(([key, block]) => [`choices.${key}`, block]));
    const path = ['opening'];
    const exit = this.#set({ 'flow.exit': 'data.opening.reason' }, path);
    const choices = Object.fromEntries(chosen.map(([key]) => [key, []]));
    const fields = { ...opening, choices };
    return [this.#action(menu.name, 'opening', path, fields, { ...blocks, onFailure: [exit] })];
  }

  #intent(name: string): readonly Action[] {
    const found = this.#set({ 'flow.intent': JSON.stringify(name) }, ['intents', name], 'intents');
    return this.#slots(this.#source.intents[name]?.slots ?? [], found);
  }

  #slots([name, ...rest]: readonly string[], found: Action): readonly Action[] {
    if (name === undefined) return [found];
    const slot = this.#source.slots?.[name] ?? {};
    const path = ['slots', name];
    const asked = slot.choices ? this.#menu(name, slot, slot.choices) : this.#digits(name, slot);
    const after = this.#slots(rest, found);
    if (!slot.confirm) return [asked, ...after];
    const { prompt, yes = '1', no = '2', rounds = ROUNDS } = slot.confirm;
    const inside = [...path, 'confirm'];
    const right = [
      this.#set({ 'flow.confirmed': true }, inside),
      this.#action(exitLoop.name, 'exitLoop', inside),
    ];
    const wrong = [this.#set({ 'flow.confirmed': false }, inside)];
    const fields = { prompt, choices: { [yes]: [], [no]: [] } };
    const question = this.#action(menu.name, 'confirm', inside, fields, {
      [`choices.${yes}`]: right,
      [`choices.${no}`]: wrong,
    });
    return [
      this.#action(loop.name, 'loop', inside, { count: rounds }, { actions: [asked, question] }),
      this.#action(
        decision.name,
        'decision',
        inside,
        { if: 'flow.confirmed' },
        {
          // biome-ignore lint/suspicious/noThenProperty: the name of a path
          then: [this.#set({ 'flow.confirmed': false }, inside), ...after],
          else: [this.#set({ 'flow.exit': '"not-confirmed"' }, inside)],
        },
      ),
    ];
  }

  #digits(name: string, slot: SlotSource): Action {
    const into = `${slot.secure ? 'secure' : 'flow'}.${name}`;
    const fields = { field: 'digits', ...part(slot, COLLECT_KEYS), into, prompt: slot.prompt };
    return this.#action(collectInput.name, name, ['slots', name], fields);
  }

  #menu(name: string, slot: SlotSource, choices: Readonly<Record<string, string>>): Action {
    const path = ['slots', name];
    const fields = {
      ...part(slot, MENU_KEYS),
      prompt: slot.prompt,
      choices: Object.fromEntries(Object.keys(choices).map((key) => [key, []])),
    };
    const blocks = Object.entries(choices).map(([key, value]) => [
      `choices.${key}`,
      [this.#set({ [`flow.${name}`]: JSON.stringify(value) }, path)],
    ]);
    return this.#action(menu.name, name, path, fields, Object.fromEntries(blocks));
  }

  #set(set: Readonly<Record<string, string | boolean>>, path: Path, shown?: string): Action {
    return this.#action(setVariables.name, 'setVariables', path, { set }, {}, shown);
  }

  /** `shown` is its place as events and logs see it: no intent is in one, for it tells the key that chose it. */
  #action(
    word: string,
    name: string,
    path: Path,
    fields: object = {},
    blocks: Action['blocks'] = {},
    shown = pathText(path),
  ): Action {
    const action: Action = { do: word, name, path: shown, fields, blocks };
    this.paths.set(action, path);
    return action;
  }
}

function part(slot: SlotSource, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(slot).filter(([key]) => keys.includes(key)));
}
