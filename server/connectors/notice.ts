/** Why an output of a gateway's answer was not passed on. */
export type DropReason =
  | 'contains-card-number'
  | 'contains-account-number'
  | 'contains-security-code'
  | 'contains-token'
  | 'bad-name'
  | 'not-plain'
  | 'not-exact'
  | 'too-many';

/** Something for the log. Holds no caller data: names and reasons are checked before they get here. */
export type ConnectorNotice =
  | {
      readonly kind: 'try-failed';
      readonly connector: string;
      readonly attempt: number;
      readonly reason: string;
    }
  /** Nobody will ask again what became of this charge: people must look into the gateway's books. */
  | {
      readonly kind: 'charge-left-open';
      readonly connector: string;
      readonly idempotencyKey: string;
      readonly reason: 'too-many' | 'closed' | 'no-verdict';
    }
  | {
      readonly kind: 'output-dropped';
      readonly connector: string;
      /** `(unnamed)` when the name itself may not be shown. */
      readonly output: string;
      readonly reason: DropReason;
    };
