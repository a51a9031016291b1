import Type, { type Static } from 'typebox';
import { BotService } from './bot.js';
import { ConnectorConfig } from './connector.js';
import { DataAction } from './data-action.js';
import { FilePath, NAME, strict } from './fields.js';

export { ConnectorConfig } from './connector.js';
export type { SecretReference } from './fields.js';

/**
 * The configuration after defaults: what `tacet.yaml` may hold, in one place. The descriptions and defaults
 * are the reference that docs/configuration.md is held against by a test.
 */

/** A section: an object that may be left out because each of its keys has a default. */
const section = { ...strict, default: {} } as const;

const Port = (port: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65535, default: port, description });

const Address = (address: string, description: string) =>
  Type.String({ format: 'ip', default: address, description });

const AdvertisedAddress = (description: string) =>
  Type.String({ format: 'ip-or-auto', default: 'auto', description });

const HostName = (description: string) =>
  Type.String({ pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$', description });

const ServerPort = (port: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: 65535, default: port, description });

/** A secret shared with a server; it travels in lines of words and in SIP headers. */
const SharedSecret = (description: string) =>
  Type.Optional(
    Type.String({ minLength: 16, maxLength: 256, pattern: '^[A-Za-z0-9._~+/=-]+$', description }),
  );

/** An entry of `sip.drachtio`. */
const Drachtio = Type.Object(
  {
    host: HostName('name or IPv4 address of the machine that drachtio-server runs on'),
    port: ServerPort(9022, 'its admin port, where applications connect'),
    secret: SharedSecret('what applications must present; prefer `secretFile`'),
    secretFile: Type.Optional(FilePath('file that holds the secret, readable by its owner only')),
  },
  strict,
);

/** An entry of `media.freeswitch`. */
const Freeswitch = Type.Object(
  {
    host: HostName('name or IPv4 address of the machine that FreeSWITCH runs on'),
    port: ServerPort(8021, 'its event socket'),
    secret: SharedSecret('password of the event socket; prefer `secretFile`'),
    secretFile: Type.Optional(FilePath('file that holds the password, readable by its owner only')),
    key: SharedSecret(
      'what its dialplan wants to see in our INVITEs (`FREESWITCH_TACET_KEY` there); prefer `keyFile`',
    ),
    keyFile: Type.Optional(FilePath('file that holds the key, readable by its owner only')),
    weight: Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 1,
      description: 'its share of the calls, beside the weights of the others',
    }),
  },
  strict,
);

const Sip = Type.Object(
  {
    address: Address('0.0.0.0', 'local address that SIP listens on'),
    port: Port(5060, 'SIP port, UDP and TCP; 0 takes any free port'),
    transports: Type.Array(Type.Enum(['udp', 'tcp']), {
      minItems: 1,
      uniqueItems: true,
      default: ['udp', 'tcp'],
      description: 'transports listened on',
    }),
    advertisedAddress: AdvertisedAddress(
      'address written into Contact and Via; `auto`: `sip.address`, or when that is a wildcard the first external IPv4 address of the machine, or loopback',
    ),
    floodLimit: Type.Object(
      {
        requestsPerSecond: Type.Integer({
          minimum: 0,
          maximum: 100_000,
          default: 500,
          description: 'requests outside a dialog that one address may send each second; 0 for no limit',
        }),
        burst: Type.Integer({
          minimum: 1,
          maximum: 100_000,
          default: 1000,
          description: 'requests that one address may send at once before the limit applies',
        }),
      },
      { ...section, description: 'requests beyond it are dropped without an answer' },
    ),
    drachtio: Type.Array(Drachtio, {
      default: [],
      description:
        'drachtio-servers that take the place of the SIP server in this process; the other keys of `sip` then have no effect, but `media.advertisedAddress` may take its value from them',
    }),
  },
  { ...section, description: 'where calls come in' },
);

const Media = Type.Object(
  {
    engine: Type.Enum(['embedded', 'freeswitch'], {
      default: 'embedded',
      description:
        'what terminates RTP: `embedded` is this process, `freeswitch` the servers of `media.freeswitch`',
    }),
    freeswitch: Type.Array(Freeswitch, {
      default: [],
      description:
        'FreeSWITCH servers; a call goes to one that is well, the one with least to do for its weight',
    }),
    listener: Type.Object(
      {
        address: Address('127.0.0.1', 'local address that FreeSWITCH connects back to, on a private network'),
        port: Port(0, 'its port; 0 takes any free port'),
        advertisedAddress: AdvertisedAddress(
          'address told to FreeSWITCH; `auto`: `media.listener.address`, or when that is a wildcard the first external IPv4 address of the machine',
        ),
      },
      { ...section, description: 'event sockets of single calls, from FreeSWITCH' },
    ),
    promptPath: Type.String({
      pattern: '^(same|/[A-Za-z0-9._/-]*)$',
      default: 'same',
      description: 'where FreeSWITCH sees `<dataDirectory>/prompts`; `same`: at the same path',
    }),
    address: Address(
      '0.0.0.0',
      'local address that RTP is received on in this process; with `freeswitch` that of the vault',
    ),
    advertisedAddress: AdvertisedAddress(
      'address written into SDP; `auto`: `media.address`, or when that is a wildcard `sip.advertisedAddress`',
    ),
    rtpPorts: Type.Object(
      {
        from: Type.Integer({
          minimum: 1024,
          maximum: 65534,
          default: 40000,
          description: 'first RTP port; even ports are used',
        }),
        to: Type.Integer({ minimum: 1025, maximum: 65535, default: 49999, description: 'last RTP port' }),
      },
      { ...section, description: 'UDP ports for RTP: two for each leg of a call' },
    ),
    silenceTimeoutSeconds: Type.Integer({
      minimum: 0,
      maximum: 86_400,
      default: 60,
      description: 'a call that receives no RTP for so long is ended; 0 for never',
    }),
  },
  { ...section, description: 'audio' },
);

const Token = Type.Object(
  {
    name: Type.String({ pattern: NAME, description: 'who uses it; appears in the log' }),
    token: Type.Optional(
      Type.String({
        minLength: 32,
        maxLength: 512,
        pattern: '^[A-Za-z0-9._~+/=-]+$',
        description: 'the bearer token itself; prefer `tokenFile`',
      }),
    ),
    tokenFile: Type.Optional(FilePath('file that holds the token, readable by its owner only')),
    flows: Type.Enum(['none', 'view', 'edit', 'publish'], {
      default: 'publish',
      description:
        'what it may do with flows: nothing, look at them, also edit drafts, also decide which version takes calls',
    }),
  },
  strict,
);

const Http = Type.Object(
  {
    address: Address('127.0.0.1', 'local address that the HTTP API listens on'),
    port: Port(8080, 'HTTP port; 0 takes any free port'),
    tokens: Type.Array(Token, {
      default: [],
      description: 'bearer tokens; without any, one is generated into `<dataDirectory>/api-token`',
    }),
  },
  { ...section, description: 'API, events, health and metrics' },
);

const Route = Type.Object(
  {
    user: Type.String({
      pattern: '^[\\x21-\\x7e]{1,128}$',
      description: 'user part of the request URI (a number or a name), or `*` for every other one',
    }),
    flow: Type.String({ pattern: NAME, description: 'name of an inbound flow' }),
  },
  strict,
);

const Agent = Type.Object(
  {
    id: Type.String({
      pattern: NAME,
      description: 'identifier in flows and API; the user part when it registers',
    }),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'shown to people' })),
    uri: Type.Optional(
      Type.String({
        pattern: '^sip:[^\\s<>"]+$',
        description: 'SIP URI that is called; then the agent does not register',
      }),
    ),
    password: Type.Optional(
      Type.String({
        minLength: 12,
        maxLength: 128,
        description: 'SIP digest password; prefer `passwordFile`',
      }),
    ),
    passwordFile: Type.Optional(FilePath('file that holds the password, readable by its owner only')),
  },
  strict,
);

const Queue = Type.Object(
  {
    name: Type.String({ pattern: NAME, description: 'what flows call it' }),
    agents: Type.Array(Type.String({ pattern: NAME }), {
      minItems: 1,
      uniqueItems: true,
      description: 'identifiers of its agents, in the order they are rung',
    }),
  },
  strict,
);

const Trunk = Type.Object(
  {
    name: Type.String({ pattern: NAME, description: 'what flows call it' }),
    uri: Type.String({
      pattern: '^sip:[^\\s<>"{}]*\\{number\\}[^\\s<>"{}]*$',
      description: 'SIP URI that is called, with `{number}` in it, as `sip:{number}@192.0.2.50`',
    }),
    callerId: Type.Optional(
      Type.String({
        pattern: '^\\+?[0-9]{2,20}$',
        description: "number shown to the called party; without it the caller's own",
      }),
    ),
    numbers: Type.Array(
      Type.String({
        pattern: '^\\+?[0-9][0-9X]{0,19}\\*?$',
        description: 'digits; `X` is any digit, `*` at the end any further ones',
      }),
      {
        default: [],
        description:
          'numbers that may be called, as `+4930XXXXXXX` or `+4989*`: `X` is any digit, `*` at the end any further ones; all others are refused',
      },
    ),
  },
  strict,
);

const Secure = Type.Object(
  {
    capture: Type.Enum(['vault', 'media-server'], {
      default: 'vault',
      description:
        'with `freeswitch`, who receives secure digits: `vault`, this process, to which the customer leg is moved while a session lasts, or the `media-server` itself; the embedded engine is always its own vault',
    }),
    leavingGuardMs: Type.Integer({
      minimum: 800,
      maximum: 10_000,
      default: 800,
      description: 'a session is left only after so long without a key',
    }),
    leavingGuardMaxMs: Type.Integer({
      minimum: 800,
      maximum: 120_000,
      default: 30_000,
      description: 'a caller who keeps pressing keys for so long is disconnected, never returned',
    }),
    shieldTimeoutMs: Type.Integer({
      minimum: 100,
      maximum: 10_000,
      default: 2000,
      description: 'each shield must be confirmed in this time, or the session is refused',
    }),
    maxSessionSeconds: Type.Integer({
      minimum: 30,
      maximum: 7200,
      default: 900,
      description: 'longest secure session; then the caller is disconnected',
    }),
  },
  { ...section, description: 'secure sessions' },
);

/** As media/prompts has them; a test holds the two together. */
export const VOICES = ['kal', 'slt', 'rms', 'awb'] as const;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const ConfigSchema = Type.Object(
  {
    sip: Sip,
    media: Media,
    http: Http,
    routes: Type.Array(Route, {
      default: [
        { user: 'support', flow: 'support' },
        { user: 'pay', flow: 'pay-by-phone' },
      ],
      description: 'which flow answers which number or name',
    }),
    flows: Type.Object(
      {
        directories: Type.Array(FilePath('a directory with flows (*.yaml)'), {
          default: [],
          description: 'directories beside the library; a flow of the same name replaces the library one',
        }),
      },
      { ...section, description: 'flow documents' },
    ),
    agents: Type.Array(Agent, {
      default: [{ id: 'agent' }],
      description:
        'who takes calls; without `uri` an agent registers as `sip:<id>@...`, and without a password one is generated into `<dataDirectory>/agents/<id>.password`',
    }),
    queues: Type.Array(Queue, {
      default: [],
      description: 'groups of agents by the name that flows use',
    }),
    trunks: Type.Array(Trunk, {
      default: [],
      description: 'ways to the telephone network by the name that flows use',
    }),
    connectors: Type.Record(Type.String({ pattern: NAME }), ConnectorConfig, {
      default: { payment: { type: 'sandbox' } },
      description: 'payment gateways by the name that flows use',
    }),
    dataActions: Type.Record(Type.String({ pattern: NAME }), DataAction, {
      default: {},
      description: 'HTTP services by the name that flows use',
    }),
    bots: Type.Record(Type.String({ pattern: NAME }), BotService, {
      default: {},
      description: 'services with the turns of remote bots, by the name that bot flows use',
    }),
    secure: Secure,
    prompts: Type.Object(
      {
        voice: Type.Enum(VOICES, {
          default: 'kal',
          description: 'voice that speaks texts; `kal` costs least',
        }),
      },
      { ...section, description: 'speech' },
    ),
    log: Type.Object(
      {
        level: Type.Enum(LOG_LEVELS, {
          default: 'info',
          description: 'least severe log line that is written',
        }),
      },
      { ...section, description: 'log lines on standard output' },
    ),
    pciDss: Type.Boolean({
      default: false,
      description: 'refuses to start while anything captures media, protocol or memory',
    }),
    dataDirectory: Type.String({
      format: 'path',
      minLength: 1,
      default: 'data',
      description:
        'generated secrets, cached prompts and flows published over the API; created with mode 0700',
    }),
  },
  strict,
);

/** Every key present; addresses resolved, paths absolute. */
export type Config = Static<typeof ConfigSchema> & {
  /** Absolute path of the file it was read from; null when there was none. */
  readonly configFile: string | null;
};
