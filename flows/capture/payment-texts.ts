import type { CaptureKind } from './errors.js';
import type { Retry } from './field-keys.js';
import type { Spoken } from './spoken.js';

/** What is said for a field that the author gave no words for. */
export interface FieldTexts {
  readonly prompt: Spoken;
  readonly retry: Retry;
  readonly again?: Spoken;
}

const ENDS = { '#': ', then press the hash key', '*': ', then press the star key', none: '' } as const;

const BACK = 'the three digits on the back of your card';
const FRONT = 'the four digits on the front of your card';

/** English words for the fields of a payment, told how a field is ended; null for fields that are the author's own. */
export function fieldTexts(kind: CaptureKind, terminator: '#' | '*' | 'none'): FieldTexts | null {
  const end = ENDS[terminator];
  switch (kind) {
    case 'cardNumber':
      return {
        prompt: `Please key in your card number${end}.`,
        retry: {
          timeout: `I did not get the whole number. Please key in your card number${end}.`,
          'invalid-card-type': `Sorry, this kind of card is not accepted. Please key in the number of another card${end}.`,
          default: `Sorry, this card number is not valid. Please key it in again${end}.`,
        },
      };
    case 'expiry':
      return {
        prompt: 'Please key in the expiry date of your card, two digits for the month and two for the year.',
        retry: {
          timeout: 'Please key in the four digits of the expiry date, month and year.',
          default:
            'Sorry, this date is not valid. Please key in two digits for the month and two for the year.',
        },
      };
    case 'securityCode':
      return {
        prompt: byBrand('Please key in the security code: '),
        retry: { default: byBrand('Sorry, that is not the security code. Please key in ') },
      };
    case 'postalCode':
      return plain('the digits of your postal code', 'this postal code', end);
    case 'routingNumber':
      return plain('the nine digits of your bank routing number', 'this routing number', end);
    case 'accountNumber':
      return {
        ...plain('your bank account number', 'this account number', end, {
          'input-matching-failed': `Sorry, the two numbers are not the same. Please key in your bank account number${end}.`,
        }),
        again: `Please key in your bank account number once more${end}.`,
      };
    default:
      return null;
  }
}

function byBrand(begin: string): Spoken {
  return [{ when: { brand: 'amex' }, say: `${begin}${FRONT}.` }, { say: `${begin}${BACK}.` }];
}

function plain(what: string, it: string, end: string, more: Retry = {}): FieldTexts {
  return {
    prompt: `Please key in ${what}${end}.`,
    retry: {
      timeout: `I did not get all of it. Please key in ${what}${end}.`,
      ...more,
      default: `Sorry, ${it} is not valid. Please key in ${what} again${end}.`,
    },
  };
}

export const CONFIRM_KEYS = 'If this is right, press 1. To key it in again, press 2.';

const CARD_NAMES: Readonly<Record<string, string>> = {
  visa: 'a Visa',
  mastercard: 'a Mastercard',
  amex: 'an American Express',
  discover: 'a Discover',
  diners: 'a Diners Club',
  jcb: 'a J C B',
  unionpay: 'a Union Pay',
  maestro: 'a Maestro',
};

/** What leads to the last four digits of a card. */
export function cardEnding(brand: string): string {
  return `You keyed in ${CARD_NAMES[brand] ?? 'a'} card ending in`;
}

export const ACCOUNT_ENDING = 'You keyed in an account number ending in';
/** Of an account number that is too short to show a part of itself. */
export const ACCOUNT_KEYED = 'You keyed in your bank account.';

/** Everything of the read-back that is the same in every call. */
export function confirmTexts(method: 'card' | 'bankAccount'): readonly string[] {
  const begins =
    method === 'card' ? Object.keys(CARD_NAMES).map(cardEnding) : [ACCOUNT_ENDING, ACCOUNT_KEYED];
  return [...begins, CONFIRM_KEYS];
}
