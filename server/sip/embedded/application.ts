/** A connected application, as the SIP side sees it. */
export interface Application {
  readonly connected: boolean;
  /** Sends a frame of the given tokens and SIP message. */
  send(tokens: string, message?: Buffer): void;
}

/** What an application asked, with the means to answer it. */
export interface Command {
  readonly application: Application;
  /** `OK`, the tokens and the message as sent. */
  accept(tokens: string, message: Buffer): void;
  /** `NOK` and why: drachtio's texts, because drachtio-srf tells some of them apart. */
  refuse(why: string): void;
}
