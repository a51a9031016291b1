import Type from 'typebox';
import { TacetError } from '../../errors.js';
import type { Api } from '../api.js';
import { ErrorReply } from '../error-replies.js';
import {
  StoredFlow,
  storedFlow,
  VersionsView,
  VersionView,
  versionsView,
  versionView,
  wantsYaml,
  YamlText,
} from '../flow-store-views.js';
import { FLOW, FlowParams, FlowVersionParams } from '../parameters.js';
import type { DraftDependencies } from './flow-drafts.js';

const tags = ['flows'];
const refusals = { 401: ErrorReply, 403: ErrorReply, 404: ErrorReply, 429: ErrorReply };
const changeRefusals = {
  ...refusals,
  400: ErrorReply,
  409: ErrorReply,
  413: ErrorReply,
  415: ErrorReply,
  422: ErrorReply,
  503: ErrorReply,
};

const comment = Type.Optional(
  Type.String({ maxLength: 500, description: 'why, for whoever reads it later' }),
);

const Publication = Type.Object(
  { revision: Type.Integer({ minimum: 1, description: 'of the draft that was read' }), comment },
  { additionalProperties: false },
);

const RollBack = Type.Object(
  { version: Type.Integer({ minimum: 1, description: 'that is to take calls again' }), comment },
  { additionalProperties: false },
);

/** Published versions: which one takes calls, and since when. */
export function flowVersionRoutes(app: Api, dependencies: DraftDependencies): void {
  readRoutes(app, dependencies);
  changeRoutes(app, dependencies);
}

function readRoutes(app: Api, { store, permit }: DraftDependencies): void {
  app.get(
    `${FLOW}/versions`,
    {
      onRequest: permit('view'),
      schema: {
        tags,
        summary: 'Versions of a flow, and who changed it',
        params: FlowParams,
        response: { 200: VersionsView, ...refusals },
      },
    },
    (request) => versionsView(store.get(request.params.name)),
  );
  app.get(
    `${FLOW}/versions/:version`,
    {
      onRequest: permit('view'),
      schema: {
        tags,
        summary: 'One version with its document',
        description: 'As JSON; with `Accept: application/yaml` the text alone.',
        params: FlowVersionParams,
        response: { 200: Type.Union([VersionView, YamlText]), 400: ErrorReply, ...refusals },
      },
    },
    async (request, reply) => {
      const record = store.get(request.params.name);
      const version = Number(request.params.version);
      const { document } = await store.version(record.name, version);
      const view = versionView(record, version, document);
      if (!view) throw new TacetError('version-not-found');
      if (wantsYaml(request, reply)) return document;
      return view;
    },
  );
}

function changeRoutes(app: Api, { publishing, permit }: DraftDependencies): void {
  app.post(
    `${FLOW}/publish`,
    {
      onRequest: permit('publish'),
      schema: {
        tags,
        summary: 'Publish the draft of a flow',
        description:
          'Checks it as at the start of the server (422 with `problems`), makes its prompts, and then has it take every new ' +
          'call. Calls in progress stay on the version they began with.',
        params: FlowParams,
        body: Publication,
        response: { 200: StoredFlow, ...changeRefusals },
      },
    },
    async (request) => {
      const { revision, comment = null } = request.body;
      const author = { by: request.tokenName ?? '', comment };
      return storedFlow(await publishing.publish(request.params.name, revision, author));
    },
  );
  app.post(
    `${FLOW}/rollback`,
    {
      onRequest: permit('publish'),
      schema: {
        tags,
        summary: 'Have an older version take calls again',
        description: 'It is checked as a draft is. The versions after it are kept.',
        params: FlowParams,
        body: RollBack,
        response: { 200: StoredFlow, ...changeRefusals },
      },
    },
    async (request) => {
      const { version, comment = null } = request.body;
      const author = { by: request.tokenName ?? '', comment };
      return storedFlow(await publishing.rollBack(request.params.name, version, author));
    },
  );
}
