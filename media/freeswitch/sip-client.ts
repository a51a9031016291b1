/** A SIP dialog with FreeSWITCH, as drachtio-fsmrf wants it; nothing here looks into it. */
export type MediaDialog = object;

export interface MediaDialogEvents {
  /** FreeSWITCH hung up, or the SIP server was lost with this dialog on it. Called once. */
  onGone(): void;
}

/** Places calls to FreeSWITCH. Implemented by the SIP side, which knows the connections to the SIP servers. */
export interface SipClient {
  /** Without an offer FreeSWITCH offers. Rejects with an error whose `status` is the SIP answer, 0 when there was none. */
  invite(
    uri: string,
    options: { readonly headers: Readonly<Record<string, string>>; readonly localSdp?: string },
    events: MediaDialogEvents,
  ): Promise<MediaDialog>;
  /** Re-INVITE; resolves with FreeSWITCH's answer. Rejects like {@link invite}. */
  reinvite(dialog: MediaDialog, offerSdp: string, deadlineMs: number): Promise<string>;
  /** BYE. Never rejects. */
  hangUp(dialog: MediaDialog): Promise<void>;
}
