import Type, { type Static } from 'typebox';
import { Header } from '../../flows/schema.js';

/** What the store keeps of a flow that was made over the API, beside the texts of its documents. */

const Name = Header.properties.name;
const At = Type.String({ format: 'date-time' });
const By = Type.String({ description: 'name of the token that the request came with' });
const Count = Type.Integer({ minimum: 1 });
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Comment = Type.Union([Type.String({ maxLength: 500 }), Type.Null()]);

const FlowVersion = Type.Object({
  version: Count,
  publishedAt: At,
  by: By,
  comment: Comment,
  sha256: Hash,
});
export type FlowVersion = Static<typeof FlowVersion>;

export const CHANGES = ['created', 'edited', 'published', 'rolled-back'] as const;

export const FlowChange = Type.Object({
  at: At,
  by: By,
  change: Type.Enum(CHANGES),
  revision: Type.Integer({ minimum: 1, description: 'of the draft, then' }),
  version: Type.Union([Count, Type.Null()], { description: 'that takes calls since then; null: none did' }),
  comment: Comment,
});
export type FlowChange = Static<typeof FlowChange>;

export const FlowRecord = Type.Object(
  {
    format: Type.Literal(1),
    name: Name,
    /** Counts the edits of the draft, from 1. */
    revision: Count,
    draftSha256: Hash,
    /** The version that takes calls; null: none does. */
    published: Type.Union([Count, Type.Null()]),
    /** Highest number that a version ever had. */
    lastVersion: Type.Integer({ minimum: 0 }),
    /** Those that are kept, oldest first. */
    versions: Type.Array(FlowVersion),
    /** The last ones, oldest first. */
    changes: Type.Array(FlowChange, { minItems: 1 }),
  },
  { additionalProperties: false },
);
export type FlowRecord = Static<typeof FlowRecord>;

/** File names of the documents. A version's text never changes; a draft's has a file for each revision. */
export const draftFile = (revision: number): string => `draft-${revision}.yaml`;
export const versionFile = (version: number): string => `version-${version}.yaml`;
