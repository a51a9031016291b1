import type { ActionDefinition } from './action.js';
import { callData } from './call-data.js';
import { callModule } from './call-module.js';
import { callSecureData } from './call-secure-data.js';
import { callTask } from './call-task.js';
import { collectInput } from './collect-input.js';
import { decision } from './decision.js';
import { disconnect } from './disconnect.js';
import { exitLoop } from './exit-loop.js';
import { extractSecureData } from './extract-secure-data.js';
import { loop } from './loop.js';
import { menu } from './menu.js';
import { nextLoop } from './next-loop.js';
import { playAudio } from './play-audio.js';
import { returnToAgent } from './return-to-agent.js';
import { setLanguage } from './set-language.js';
import { setVariables } from './set-variables.js';
import { switchAction } from './switch.js';
import { transferToAgent } from './transfer-to-agent.js';
import { transferToSecureFlow } from './transfer-to-secure-flow.js';
import { wait } from './wait.js';

/** Every action of the language, by the word after `do:`. */
export const ACTIONS: ReadonlyMap<string, ActionDefinition> = new Map(
  [
    playAudio,
    wait,
    menu,
    collectInput,
    decision,
    switchAction,
    loop,
    exitLoop,
    nextLoop,
    callTask,
    callModule,
    setVariables,
    setLanguage,
    callData,
    callSecureData,
    extractSecureData,
    transferToSecureFlow,
    transferToAgent,
    returnToAgent,
    disconnect,
  ].map((definition) => [definition.name, definition]),
);
