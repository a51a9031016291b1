import type { PromptStore } from '../prompts/prompt-store.js';

/** What the engine needs of a PromptStore. */
export type PromptSource = Pick<PromptStore, 'resolve' | 'loop' | 'prepare' | 'release'>;
