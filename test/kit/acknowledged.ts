import { withAcknowledgement } from '../../cli/acknowledge.js';

/** A flow document that may show parts of secure values. */
export function acknowledged(source: string): string {
  const given = { by: 'Ada Lovelace', reason: 'the test shows them', at: '2026-11-27T12:00:00Z' };
  return withAcknowledgement(source, 'flow.yaml', given);
}
