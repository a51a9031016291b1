import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { Header } from '../../flows/schema.js';
import { FlowChange, type FlowRecord, type FlowVersion } from '../flows/flow-record.js';

/** What the API shows of flows that were made over it. */

const published = Type.Union([Type.Integer(), Type.Null()], {
  description: 'the version that takes calls; null: none does',
});
const revision = Type.Integer({ description: 'counts the edits of the draft' });

export const StoredFlow = Type.Object({ name: Header.properties.name, revision, published });
export type StoredFlow = Static<typeof StoredFlow>;

export const storedFlow = ({ name, revision, published }: FlowRecord): StoredFlow => ({
  name,
  revision,
  published,
});

export const DraftView = Type.Object({
  ...StoredFlow.properties,
  document: Type.String({ description: 'as it was written, comments included' }),
});

const VersionSummary = Type.Object({
  version: Type.Integer(),
  publishedAt: Type.String({ format: 'date-time' }),
  by: Type.String({ description: 'name of the token' }),
  comment: Type.Union([Type.String(), Type.Null()]),
});

export const VersionView = Type.Object({ ...VersionSummary.properties, document: Type.String() });

export const VersionsView = Type.Object({
  ...StoredFlow.properties,
  versions: Type.Array(VersionSummary, { description: 'newest first' }),
  changes: Type.Array(FlowChange, { description: 'who did what, newest first' }),
});

const versionSummary = ({ version, publishedAt, by, comment }: FlowVersion) => ({
  version,
  publishedAt,
  by,
  comment,
});

export function versionsView(record: FlowRecord): Static<typeof VersionsView> {
  return {
    ...storedFlow(record),
    versions: record.versions.map(versionSummary).reverse(),
    changes: [...record.changes].reverse(),
  };
}

export function versionView(record: FlowRecord, version: number, document: string) {
  const found = record.versions.find((one) => one.version === version);
  return found ? { ...versionSummary(found), document } : null;
}

/** A document as the author wrote it. */
export const YamlText = Type.String({ description: 'the text alone, as application/yaml' });

/** Says that the client wants a document as it is: `Accept: application/yaml`. */
export function wantsYaml(request: FastifyRequest, reply: FastifyReply): boolean {
  reply.header('vary', 'accept');
  if (!/^application\/yaml\b/.test(request.headers.accept ?? '')) return false;
  reply.type('application/yaml; charset=utf-8');
  return true;
}
