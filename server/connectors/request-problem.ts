import { isCurrency } from '../../flows/currency.js';
import type { ChargeRequest } from './connector.js';
import { instrumentProblem } from './instrument.js';

/** Why a request cannot be carried out by any gateway, or null. Checked before anything is sent. */
export function requestProblem({ operation, secure, inputs }: ChargeRequest): string | null {
  if (inputs.currency !== undefined && !isCurrency(inputs.currency)) return 'bad-currency';
  if (operation === 'tokenise' && secure.has('token')) return 'token-and-card-data';
  return instrumentProblem(secure);
}
