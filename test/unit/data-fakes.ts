import type { CallDataResult } from '../../flows/commands.js';
import { type DataRequest, failed } from '../../server/data-actions/data-action.js';
import { DataActions } from '../../server/data-actions/data-actions.js';

/** A data action `crm` that answers when told, or is given up as the real one is. */
export class FakeCrm {
  readonly requests: DataRequest[] = [];
  readonly actions: DataActions;
  #answer: (result: CallDataResult) => void = () => {};

  constructor() {
    const call = (request: DataRequest) => {
      this.requests.push(request);
      return new Promise<CallDataResult>((resolve) => {
        this.#answer = resolve;
        request.signal.addEventListener('abort', () => resolve(failed('cancelled', '')), { once: true });
      });
    };
    this.actions = new DataActions(new Map([['crm', { call }]]), { now: () => 5, after: () => () => {} });
  }

  succeed(outputs: CallDataResult['outputs']): void {
    this.#answer({ status: 'success', error: '', message: '', outputs });
  }
}
