import { ACTIONS } from './actions/registry.js';
import type { AudioItem } from './commands.js';
import { actionsOf, type Flow } from './flow.js';
import { promptItems } from './prompt.js';
import { fixedAudio, recordedDigits } from './prompt-audio.js';

/** Every prompt of the flow that is the same in every call, in every language, once: they can be rendered before there is a call. */
export function staticAudio(flow: Flow): AudioItem[] {
  const found = new Map<string, AudioItem>();
  const add = (audio: AudioItem): unknown => found.set(JSON.stringify(audio), audio);
  const prompts = [
    ...[...actionsOf(flow)].flatMap((action) => ACTIONS.get(action.do)?.prompts?.(action.fields) ?? []),
    ...Object.values(flow.bot?.prompts ?? {}),
  ];
  for (const language of flow.languages) {
    const hearing = { ...flow, language };
    recordedDigits(hearing).forEach(add);
    for (const item of prompts.flatMap((prompt) => promptItems(prompt, language))) {
      fixedAudio(item, hearing)?.forEach(add);
    }
  }
  return [...found.values()];
}
