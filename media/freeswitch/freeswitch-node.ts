/** One FreeSWITCH server of the pool. */
export interface FreeswitchNode {
  readonly host: string;
  /** Of the event socket. */
  readonly port: number;
  /** Password of the event socket. */
  readonly secret: string;
  /** What its dialplan wants to see in an INVITE. */
  readonly key: string;
  readonly weight: number;
}

/** Why a server cannot be used. A closed list, for log lines. */
export type NodeFault =
  | 'unreachable'
  | 'address-refused'
  | 'password-refused'
  | 'silent'
  | 'closed'
  | 'prompts-missing';

export class NodeFailure extends Error {
  readonly fault: NodeFault;
  constructor(fault: NodeFault, options?: ErrorOptions) {
    super(`FreeSWITCH: ${fault}`, options);
    this.name = 'NodeFailure';
    this.fault = fault;
  }
}
