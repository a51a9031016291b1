import type { FieldKind } from '../commands.js';
import type { Prompt } from '../prompt.js';

/** `dialogEngine` speaks and takes keys; `digital` is for text channels, and no call can use it. */
export type BotKind = 'dialogEngine' | 'digital';

/** Something that a bot finds out. */
export interface BotSlot {
  readonly secure: boolean;
  /** What a secure one holds; null for any field. */
  readonly field: FieldKind | null;
  /** The only values that it can have; null for any text. */
  readonly values: readonly string[] | null;
}

/** What a bot flow declares, beside the actions that a local one is made into. */
export interface Bot {
  readonly kind: BotKind;
  /** The configured service that has its turns; null: they are here. */
  readonly remote: string | null;
  /** The slots that each intent needs, by its name. */
  readonly intents: Readonly<Record<string, readonly string[]>>;
  readonly slots: Readonly<Record<string, BotSlot>>;
  /** What a remote bot can say by name: without expressions, so that nothing keyed can be in it. */
  readonly prompts: Readonly<Record<string, Prompt>>;
}

/** Variables of a local bot that are no slots: what its caller is told, and how far a confirmation is. */
export const OWN_VARIABLES = ['intent', 'exit', 'confirmed'] as const;

/** What every result of a bot has beside its slots. */
export const RESERVED_SLOTS: readonly string[] = [...OWN_VARIABLES, 'status', 'reason', 'error', 'message'];
