/** Every error a user or a peer can meet: its code, HTTP status and SIP answer, in one place. */
export const ERRORS = {
  'conversation-not-found': { http: 404, sip: 404, text: 'no such conversation' },
  'session-not-found': { http: 404, sip: 404, text: 'no such secure session' },
  'flow-not-found': { http: 404, sip: 404, text: 'no such flow' },
  'flow-not-secure': { http: 422, sip: 500, text: 'the flow is not of type secure' },
  'version-not-found': { http: 404, sip: 404, text: 'no such version is kept' },
  'flow-exists': { http: 409, sip: 500, text: 'a flow of this name was made already' },
  'draft-changed': { http: 409, sip: 500, text: 'the draft has changed since it was read' },
  'flow-in-use': { http: 409, sip: 500, text: 'the flow is in use' },
  'too-many-flows': { http: 409, sip: 500, text: 'no more flows can be kept' },
  'flow-not-valid': { http: 422, sip: 500, text: 'the flow has problems' },
  'not-permitted': { http: 403, sip: 403, text: 'the token does not permit this' },
  'participant-not-found': { http: 404, sip: 404, text: 'no such participant' },
  'participant-not-agent': {
    http: 403,
    sip: 403,
    text: 'only the agent of the conversation can start a secure session',
  },
  'no-active-call': { http: 409, sip: 480, text: 'the conversation has no customer on the line' },
  'session-in-progress': {
    http: 409,
    sip: 486,
    text: 'a secure session is already in progress on this conversation',
  },
  'no-field-open': { http: 409, sip: 480, text: 'no field is being collected at the moment' },
  'command-refused': { http: 409, sip: 480, text: 'the command does not fit now' },
  'session-ended': { http: 409, sip: 481, text: 'the secure session has already ended' },
  'shield-failed': { http: 503, sip: 503, text: 'a shield could not be engaged; the session was refused' },
  'bad-request': { http: 400, sip: 400, text: 'the request is not valid' },
  unauthorized: { http: 401, sip: 401, text: 'a valid bearer token is required' },
  'too-many-failures': { http: 429, sip: 503, text: 'too many failed authentications from this address' },
  'method-not-allowed': { http: 405, sip: 405, text: 'this method is not possible here' },
  'unsupported-media-type': { http: 415, sip: 415, text: 'the body must be application/json' },
  'too-large': { http: 413, sip: 513, text: 'the request is too large' },
  'not-found': { http: 404, sip: 404, text: 'nothing here' },
  'number-not-routed': { http: 404, sip: 404, text: 'no route for this number' },
  'no-common-codec': { http: 488, sip: 488, text: 'no codec in common: PCMU and PCMA are spoken, over IPv4' },
  'srtp-refused': { http: 488, sip: 488, text: 'the media cannot be secured' },
  'no-media-port': { http: 503, sip: 503, text: 'no RTP port is free' },
  busy: { http: 503, sip: 503, text: 'too much is waiting already; try again later' },
  draining: { http: 503, sip: 503, text: 'the server is draining and takes no new call' },
  internal: { http: 500, sip: 500, text: 'internal error' },
} as const satisfies Record<string, { http: number; sip: number; text: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** What an answer to some errors holds beside code and message. */
export interface ErrorParts {
  /** What is wrong with a flow document, and what to do about it. */
  readonly problems?: readonly {
    readonly line: number;
    readonly column: number;
    readonly message: string;
    readonly remedy: string;
  }[];
  /** Who stands in the way. */
  readonly neededBy?: readonly string[];
}

/** An error that carries its verdict. `detail` is shown to the client and never holds caller data. */
export class TacetError extends Error {
  readonly code: ErrorCode;
  readonly parts: ErrorParts;
  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions & ErrorParts) {
    super(detail ? `${ERRORS[code].text}: ${detail}` : ERRORS[code].text, options);
    this.name = 'TacetError';
    this.code = code;
    const { problems, neededBy } = options ?? {};
    this.parts = { ...(problems ? { problems } : {}), ...(neededBy ? { neededBy } : {}) };
  }
  get httpStatus(): number {
    return ERRORS[this.code].http;
  }
  get sipStatus(): number {
    return ERRORS[this.code].sip;
  }
}
