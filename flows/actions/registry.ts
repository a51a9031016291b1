import type { ActionDefinition } from './action.js';
import { callBotFlow } from './call-bot-flow.js';
import { callData } from './call-data.js';
import { callModule } from './call-module.js';
import { callSecureData } from './call-secure-data.js';
import { callTask } from './call-task.js';
import { collectInput } from './collect-input.js';
import { collectPayment } from './collect-payment.js';
import { decision } from './decision.js';
import { disconnect } from './disconnect.js';
import { exitLoop } from './exit-loop.js';
import { extractSecureData } from './extract-secure-data.js';
import { getParticipantData } from './get-participant-data.js';
import { loop } from './loop.js';
import { menu } from './menu.js';
import { nextLoop } from './next-loop.js';
import { playAudio } from './play-audio.js';
import { returnToAgent } from './return-to-agent.js';
import { sendEvent } from './send-event.js';
import { setLanguage } from './set-language.js';
import { setParticipantData } from './set-participant-data.js';
import { setVariables } from './set-variables.js';
import { switchAction } from './switch.js';
import { transferToAgent } from './transfer-to-agent.js';
import { transferToFlow } from './transfer-to-flow.js';
import { transferToNumber } from './transfer-to-number.js';
import { transferToQueue } from './transfer-to-queue.js';
import { transferToSecureFlow } from './transfer-to-secure-flow.js';
import { wait } from './wait.js';

/** Every action of the language, by the word after `do:`. */
export const ACTIONS: ReadonlyMap<string, ActionDefinition> = new Map(
  [
    playAudio,
    wait,
    menu,
    collectInput,
    collectPayment,
    decision,
    switchAction,
    loop,
    exitLoop,
    nextLoop,
    callTask,
    callModule,
    callBotFlow,
    setVariables,
    setLanguage,
    setParticipantData,
    getParticipantData,
    sendEvent,
    callData,
    callSecureData,
    extractSecureData,
    transferToSecureFlow,
    transferToFlow,
    transferToAgent,
    transferToQueue,
    transferToNumber,
    returnToAgent,
    disconnect,
  ].map((definition) => [definition.name, definition]),
);
