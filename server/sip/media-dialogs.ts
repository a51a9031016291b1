import type Srf from 'drachtio-srf';
import type { MediaDialog, MediaDialogEvents, SipClient } from '../../media/freeswitch/sip-client.js';
import { type DialogHandlers, SipFailure } from './signalling.js';
import { SrfDialog } from './srf-dialog.js';
import { leastBusy, type SrfLink } from './srf-link.js';
import { sipFailure } from './srf-outgoing.js';

/**
 * Dialogs with media servers, over whichever connection to a SIP server is up. They count like all others, and end
 * with their connection.
 */
export class MediaDialogs implements SipClient {
  readonly #links: readonly SrfLink[];
  readonly #dialogs = new WeakMap<MediaDialog, SrfDialog>();

  constructor(links: readonly SrfLink[]) {
    this.#links = links;
  }

  async invite(
    uri: string,
    options: { readonly headers: Readonly<Record<string, string>>; readonly localSdp?: string },
    events: MediaDialogEvents,
  ): Promise<MediaDialog> {
    const link = leastBusy(this.#links);
    if (!link) throw new SipFailure(0, 'the SIP server is not connected');
    return new Promise((resolve, reject) => {
      const forget = link.whileUp(reject);
      link.srf.createUAC(uri, options as Srf.CreateUACOptions, {}, (error: unknown, dialog: Srf.Dialog) => {
        forget();
        if (error) return reject(sipFailure(error));
        const wrapped = new SrfDialog(dialog, handlers(events), { awaitingAnswer: false });
        this.#dialogs.set(dialog, wrapped);
        link.adopt(wrapped, { withMedia: true });
        resolve(dialog);
      });
    });
  }

  async reinvite(dialog: MediaDialog, offerSdp: string, deadlineMs: number): Promise<string> {
    const standing = this.#dialogs.get(dialog);
    if (!standing) throw new SipFailure(481, 'the dialog with the media server is over');
    // Whether it took the offer too late nobody can tell any more: such a leg is of no use.
    return standing.reinvite(offerSdp, { deadlineMs, late: () => void standing.hangUp() });
  }

  async hangUp(dialog: MediaDialog): Promise<void> {
    await this.#dialogs.get(dialog)?.hangUp();
  }
}

/** A media server has nothing to ask for. */
function handlers({ onGone }: MediaDialogEvents): DialogHandlers {
  return {
    hungUp: onGone,
    lost: onGone,
    offered: () => Promise.reject(new SipFailure(488, 'not asked for')),
    answered: async () => {},
    info: () => false,
  };
}
