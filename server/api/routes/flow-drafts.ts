import Type from 'typebox';
import { Header } from '../../../flows/schema.js';
import type { FlowPublishing } from '../../flows/flow-publishing.js';
import type { FlowStore } from '../../flows/flow-store.js';
import type { Api } from '../api.js';
import { ErrorReply } from '../error-replies.js';
import type { Permit } from '../flow-permission.js';
import { DraftView, StoredFlow, storedFlow, wantsYaml, YamlText } from '../flow-store-views.js';
import { DOCUMENT_BYTES, FLOW, FLOWS, FlowParams } from '../parameters.js';

const tags = ['flows'];
const refusals = { 401: ErrorReply, 403: ErrorReply, 429: ErrorReply };
const bodyRefusals = { ...refusals, 400: ErrorReply, 409: ErrorReply, 413: ErrorReply, 415: ErrorReply };

const document = Type.String({
  description: 'the text of a flow document: YAML; a draft may have problems',
});

const NewFlow = Type.Object(
  { name: Header.properties.name, document },
  { additionalProperties: false, description: 'the document has to say the same name when it is published' },
);

const Edit = Type.Object(
  { revision: Type.Integer({ minimum: 1, description: 'of the draft that was read' }), document },
  { additionalProperties: false },
);

export interface DraftDependencies {
  readonly store: FlowStore;
  readonly publishing: FlowPublishing;
  readonly permit: Permit;
}

/** Drafts of flows: no call takes one before it is published. */
export function flowDraftRoutes(app: Api, dependencies: DraftDependencies): void {
  readRoutes(app, dependencies);
  changeRoutes(app, dependencies);
}

function readRoutes(app: Api, { store, permit }: DraftDependencies): void {
  app.get(
    '/api/v1/flow-drafts',
    {
      onRequest: permit('view'),
      schema: {
        tags,
        summary: 'List flows made over the API',
        description: 'By name, those that were never published too.',
        response: { 200: Type.Object({ drafts: Type.Array(StoredFlow) }), ...refusals },
      },
    },
    () => ({ drafts: store.list().map(storedFlow) }),
  );
  app.get(
    `${FLOW}/draft`,
    {
      onRequest: permit('view'),
      schema: {
        tags,
        summary: 'The draft of a flow',
        description: 'As JSON; with `Accept: application/yaml` the text alone.',
        params: FlowParams,
        response: { 200: Type.Union([DraftView, YamlText]), 404: ErrorReply, ...refusals },
      },
    },
    async (request, reply) => {
      const record = store.get(request.params.name);
      const draft = await store.draft(record.name);
      if (wantsYaml(request, reply)) return draft.document;
      return { ...storedFlow(record), document: draft.document };
    },
  );
}

function changeRoutes(app: Api, { publishing, permit }: DraftDependencies): void {
  app.post(
    FLOWS,
    {
      onRequest: permit('edit'),
      bodyLimit: DOCUMENT_BYTES,
      schema: {
        tags,
        summary: 'Create the draft of a flow',
        description: 'The name may be that of a file: nothing changes for calls before it is published.',
        body: NewFlow,
        response: { 201: StoredFlow, ...bodyRefusals },
      },
    },
    async (request, reply) => {
      const { name, document: text } = request.body;
      const record = await publishing.create(name, text, { by: request.tokenName ?? '' });
      return reply.status(201).header('location', `${FLOWS}/${name}/draft`).send(storedFlow(record));
    },
  );
  app.put(
    FLOW,
    {
      onRequest: permit('edit'),
      bodyLimit: DOCUMENT_BYTES,
      schema: {
        tags,
        summary: 'Edit the draft of a flow',
        description: 'Refused with 409 when the draft is not the one of `revision` any more.',
        params: FlowParams,
        body: Edit,
        response: { 200: StoredFlow, 404: ErrorReply, ...bodyRefusals },
      },
    },
    async (request) => {
      const { revision, document: text } = request.body;
      const author = { by: request.tokenName ?? '' };
      return storedFlow(await publishing.edit(request.params.name, revision, text, author));
    },
  );
  app.delete(
    FLOW,
    {
      onRequest: permit('publish'),
      schema: {
        tags,
        summary: 'Delete a flow that was made over the API',
        description:
          'With its draft and versions. A file of the same name takes calls again. Refused with 409 and `neededBy` while ' +
          'a route, another flow or a call in progress needs it.',
        params: FlowParams,
        response: { 204: Type.Null(), 404: ErrorReply, 409: ErrorReply, ...refusals },
      },
    },
    async (request, reply) => {
      await publishing.remove(request.params.name, { by: request.tokenName ?? '' });
      return reply.status(204).send(null);
    },
  );
}
