import { ACTIONS } from './actions/registry.js';
import type { AudioItem } from './commands.js';
import { actionsOf, type Flow } from './flow.js';
import { promptItems, staticItem } from './prompt.js';

/** Every prompt of the flow that is the same in every call, once: they can be rendered before there is a call. */
export function staticAudio(flow: Flow): AudioItem[] {
  const found = new Map<string, AudioItem>();
  for (const action of actionsOf(flow)) {
    const prompts = ACTIONS.get(action.do)?.prompts?.(action.fields) ?? [];
    for (const item of prompts.flatMap((prompt) => promptItems(prompt))) {
      const audio = staticItem(item, flow.directory);
      if (audio) found.set(JSON.stringify(audio), audio);
    }
  }
  return [...found.values()];
}
