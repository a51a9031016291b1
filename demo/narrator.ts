import type { FlowSet } from '../flows/flow.js';
import type { CallEvent, FieldProgress } from '../server/call/events.js';
import type { ConversationView, SecureState } from '../server/call/views.js';
import { type Known, promptText } from './prompt-texts.js';
import type { Screen } from './screen.js';

const FIELDS: Readonly<Record<FieldProgress['field'], string>> = {
  cardNumber: 'card number',
  expiry: 'expiry date',
  securityCode: 'security code',
  postalCode: 'postal code',
  routingNumber: 'routing number',
  accountNumber: 'account number',
  digits: 'digits',
  date: 'date',
  menu: 'choice',
};

const STATES: Readonly<Record<SecureState, string>> = {
  requested: 'secure session requested',
  shielding: 'shielding: every shield must confirm before the first prompt',
  active: 'active:    caller ◀──▶ flow    ║    agent hears a comfort tone and nothing else',
  unshielding: 'unshielding: keys pressed too late are swallowed, then the shields come down in reverse',
  ended: 'secure session ended',
};

/** Writes what happens in a call onto the screen, from the server's events: none of them has a digit. */
export class Narrator {
  readonly #screen: Screen;
  readonly #flows: FlowSet;
  readonly #known: Known;

  constructor(screen: Screen, flows: FlowSet, known: Known) {
    this.#screen = screen;
    this.#flows = flows;
    this.#known = known;
  }

  tell(event: CallEvent): void {
    switch (event.type) {
      case 'conversation.state':
        this.#conversation(event.state);
        break;
      case 'participant.ringing':
      case 'participant.connected':
        if (event.role === 'agent') {
          this.#screen.line('agent', event.type === 'participant.ringing' ? 'phone rings' : 'answers');
        }
        break;
      case 'flow.action':
        this.#prompt(event.flow, event.path);
        break;
      case 'secure.state':
        this.#state(event.state, event.end, event.reason);
        break;
      case 'secure.shield':
        this.#screen.line('shield', `${event.shield} ${event.change}`);
        break;
      case 'secure.progress':
        this.#field(event.progress);
        break;
      case 'secure.data':
        this.#charge(event.status, event.reason);
        break;
    }
  }

  #conversation(state: ConversationView['state']): void {
    if (state === 'ringing-agent') this.#screen.line('caller', 'hears hold music');
    if (state === 'talking') this.#screen.line('', 'talking:   caller ◀────────────────▶ agent');
  }

  #state(state: SecureState, end: string | null, reason: string | null): void {
    const how = [end, reason].filter((part) => part !== null).join(', ');
    this.#screen.line(state === 'active' ? '' : 'tacet', `${STATES[state]}${how ? `: ${how}` : ''}`);
  }

  #prompt(flowName: string, path: string): void {
    const flow = this.#flows.get(flowName);
    const text = flow ? promptText(flow, path, this.#known) : null;
    if (text) this.#screen.line('caller', `hears “${text}”`);
  }

  #field({ field, state, entered, error }: FieldProgress): void {
    const text = `keys in ${FIELDS[field]} ${'•'.repeat(entered)}`;
    if (state === 'entering') this.#screen.rewrite('caller', text);
    if (state === 'accepted') this.#screen.settle('caller', `${text} accepted`);
    if (state === 'rejected') this.#screen.settle('caller', `${text} rejected: ${error}`);
  }

  #charge(status: string, reason: string): void {
    const text = status === 'calling' ? 'charges the card at the sandbox gateway' : `charge ${status}`;
    this.#screen.line('tacet', `${text}${reason ? ` (${reason})` : ''}`);
  }
}
