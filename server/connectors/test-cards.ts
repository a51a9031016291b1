import type { DataResult } from '../../flows/commands.js';

/** What the sandbox does with a documented test card or bank account. */
export interface TestCard {
  /** `bank-account` for one. */
  readonly brand: string;
  /**
   * Each digit of the number subtracted from nine. The number itself never stands in this process, so that
   * a search of its memory for a test card finds only what a caller keyed.
   */
  readonly ninesComplement: string;
  readonly status: DataResult['status'];
  readonly reason: string;
}

const approved = (brand: string, ninesComplement: string): TestCard => ({
  brand,
  ninesComplement,
  status: 'approved',
  reason: '',
});

/** The cards of docs/connectors.md, in its order. */
export const TEST_CARDS: readonly TestCard[] = [
  approved('visa', '5757575757575757'),
  approved('mastercard', '4444444444445555'),
  approved('mastercard', '7776996877996777'),
  approved('amex', '621717753689994'),
  approved('discover', '3988888888888882'),
  approved('diners', '63772793728332'),
  approved('jcb', '6433997979639494'),
  approved('unionpay', '3799999999999994'),
  approved('maestro', '3240350173561546'),
  { brand: 'visa', ninesComplement: '5999999999999997', status: 'declined', reason: 'card-declined' },
  { brand: 'visa', ninesComplement: '5999999999990004', status: 'declined', reason: 'insufficient-funds' },
  { brand: 'visa', ninesComplement: '5999999999999591', status: 'in-doubt', reason: 'no-answer' },
  { brand: 'visa', ninesComplement: '5999999999999880', status: 'error', reason: 'processing-error' },
];

const BANK = 'bank-account';

/** The bank accounts of docs/connectors.md, in its order. */
export const TEST_ACCOUNTS: readonly TestCard[] = [
  { brand: BANK, ninesComplement: '999876543210', status: 'approved', reason: '' },
  { brand: BANK, ninesComplement: '999888888886', status: 'declined', reason: 'account-closed' },
  { brand: BANK, ninesComplement: '999888888883', status: 'declined', reason: 'no-account' },
  { brand: BANK, ninesComplement: '999777777772', status: 'declined', reason: 'insufficient-funds' },
  { brand: BANK, ninesComplement: '999666666664', status: 'declined', reason: 'debit-not-authorized' },
];

const ASCII_ZERO_PLUS_NINE = 0x30 + 9;

/** The test card with these ASCII digits, or undefined. */
export function testCardOf(digits: Uint8Array): TestCard | undefined {
  return find(TEST_CARDS, digits);
}

/** The test bank account with these ASCII digits, or undefined. */
export function testAccountOf(digits: Uint8Array): TestCard | undefined {
  return find(TEST_ACCOUNTS, digits);
}

function find(list: readonly TestCard[], digits: Uint8Array): TestCard | undefined {
  return list.find(
    ({ ninesComplement }) =>
      ninesComplement.length === digits.length &&
      digits.every((code, i) => ASCII_ZERO_PLUS_NINE - code === Number(ninesComplement[i])),
  );
}
