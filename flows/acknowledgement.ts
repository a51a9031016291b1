import { createHash } from 'node:crypto';
import Type, { type Static } from 'typebox';
import type { Path } from './document.js';
import type { Action } from './flow.js';

/**
 * Who took the responsibility that a flow shows parts of secure values, when and why, as it stands in the document
 * (FEATURES G11). It holds for the flow as it was then: the digest is of everything else in the document.
 */
export const Acknowledgement = Type.Object(
  {
    by: Type.String({ minLength: 1, maxLength: 200, description: 'the name of a person' }),
    at: Type.String({
      pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$',
      description: 'a time as 2026-11-27T15:00:00Z',
    }),
    reason: Type.String({
      minLength: 1,
      maxLength: 1000,
      description: 'a text: why parts of secure values are shown',
    }),
    digest: Type.String({
      pattern: '^sha256:[0-9a-f]{64}$',
      description: 'sha256: and 64 hexadecimal digits, as `tacet acknowledge` writes them',
    }),
  },
  { additionalProperties: false, description: 'a mapping with by, at, reason, digest' },
);
export type Acknowledgement = Static<typeof Acknowledgement>;

/** The key that it has in the document. */
export const ACKNOWLEDGEMENT = 'acknowledgement';

const COMMAND = '`tacet acknowledge --by NAME --reason TEXT FILE`';

/** SHA-256 of what a document says, whatever its order of keys, comments and layout; its acknowledgement is left out. */
export function digestOf(document: object): string {
  const said = Object.fromEntries(Object.entries(document).filter(([key]) => key !== ACKNOWLEDGEMENT));
  return `sha256:${createHash('sha256').update(JSON.stringify(said, inOrder)).digest('hex')}`;
}

/** For JSON.stringify: mappings by their keys in order. */
function inOrder(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Reports an extractSecureData that nobody has acknowledged, or of a flow that was changed since. */
export function checkAcknowledgement(
  document: { readonly acknowledgement?: Acknowledgement },
  actions: ReadonlyMap<Action, Path>,
  report: (path: Path, isKey: boolean, message: string, remedy: string) => void,
): void {
  const first = [...actions].find(([action]) => action.do === 'extractSecureData');
  if (!first) return;
  const { acknowledgement } = document;
  const digest = digestOf(document);
  const remedy = `have somebody who may decide it run ${COMMAND}; the digest is ${digest}`;
  if (!acknowledgement) {
    report(first[1], false, 'nobody has acknowledged that this flow shows a part of a secure value', remedy);
  } else if (acknowledgement.digest !== digest) {
    const { by } = acknowledgement;
    report([ACKNOWLEDGEMENT, 'digest'], false, `the flow was changed since ${by} acknowledged it`, remedy);
  }
}
