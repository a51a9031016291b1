import type { Finding, Path } from './check.js';
import { httpsRules, oneReference, stripeRules } from './connector-rules.js';
import type { DataActionConfig } from './data-action.js';
import type { Config } from './schema.js';

type Report = (path: Path, message: string, remedy: string) => void;

/** Reports every entry of a list whose value was there before. */
function unique(report: Report, list: Path, key: string, values: readonly string[]): void {
  values.forEach((value, index) => {
    if (values.indexOf(value) < index) {
      report([...list, index, key], 'already used above', `give each entry its own ${key}`);
    }
  });
}

/** Reports an entry whose secret is both written and in a file, or neither. */
function oneSource(report: Report, path: Path, entry: object, name: string): void {
  if (name in entry !== `${name}File` in entry) return;
  report(path, `needs exactly one of ${name} and ${name}File`, `write ${name}File: path`);
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** What every result has beside its outputs. */
const RESERVED_OUTPUTS = ['status', 'reason', 'error', 'message'];

/** An entry with a URL, headers and a secret. The last two: what is said of an `http:` that is not allowed. */
function webServer(
  report: Report,
  path: Path,
  entry: Pick<DataActionConfig, 'url' | 'headers' | 'authorization'>,
  isHttpAllowed: boolean,
  [message, remedy]: readonly [string, string],
): void {
  const url = new URL(entry.url);
  if (url.username !== '' || url.password !== '') {
    report([...path, 'url'], 'holds a user name or password', 'use authorization');
  }
  if (/^(http|ws):$/.test(url.protocol) && !isHttpAllowed) report([...path, 'url'], message, remedy);
  oneReference(report, [...path, 'authorization'], entry.authorization);
  const header = Object.keys(entry.headers ?? {}).find((one) => /^(proxy-)?authorization$/i.test(one));
  if (header !== undefined) {
    report([...path, 'headers', header], 'a secret does not belong here', 'use authorization');
  }
}

function connectors(config: Config, report: Report): void {
  for (const [name, connector] of Object.entries(config.connectors)) {
    const path = ['connectors', name];
    if (connector.type === 'stripe') stripeRules(report, path, connector);
    if (connector.type !== 'https') continue;
    const isLocal = connector.allowInsecureHttp && LOOPBACK.test(new URL(connector.url).hostname);
    webServer(report, path, connector, isLocal, [
      'card data would travel unencrypted',
      'write an https: URL (http: needs allowInsecureHttp: true, and a loopback address)',
    ]);
    httpsRules(report, path, connector);
  }
}

function dataActions(config: Config, report: Report): void {
  for (const [name, action] of Object.entries(config.dataActions)) {
    const path = ['dataActions', name];
    const isAllowed = action.allowInsecureHttp || LOOPBACK.test(new URL(action.url).hostname);
    webServer(report, path, action, isAllowed, [
      'data would travel unencrypted',
      'write an https: URL (http: beyond loopback needs allowInsecureHttp: true)',
    ]);
    if (action.method === 'POST' && action.retries > 0 && !action.idempotencyKey) {
      const remedy = 'write retries: 0, or idempotencyKey: true where the server acts once for each key';
      report([...path, 'retries'], 'a POST could act twice', remedy);
    }
    for (const output of Object.keys(action.outputs).filter((one) => RESERVED_OUTPUTS.includes(one))) {
      const remedy = 'choose another name; `path` says where it is in the answer';
      report([...path, 'outputs', output], `the name ${output} is taken`, remedy);
    }
  }
}

function bots(config: Config, report: Report): void {
  for (const [name, bot] of Object.entries(config.bots)) {
    const path = ['bots', name];
    const isAllowed = bot.allowInsecureHttp || LOOPBACK.test(new URL(bot.url).hostname);
    webServer(report, path, bot, isAllowed && !bot.pci, [
      bot.pci ? 'what is keyed in secure mode would travel unencrypted' : 'turns would travel unencrypted',
      `write an https: or wss: URL${bot.pci ? '' : ' (others beyond loopback need allowInsecureHttp: true)'}`,
    ]);
    // RFC 6455 section 3: a WebSocket URI has none.
    if (new URL(bot.url).hash !== '') report([...path, 'url'], 'has a fragment', 'remove what begins with #');
  }
}

function agents(config: Config, report: Report): void {
  unique(
    report,
    ['agents'],
    'id',
    config.agents.map((agent) => agent.id),
  );
  config.agents.forEach((agent, index) => {
    const ways = [agent.uri, agent.password, agent.passwordFile].filter((way) => way !== undefined);
    if (ways.length > 1) {
      report(
        ['agents', index],
        'uri, password and passwordFile exclude each other',
        'keep uri for an agent that is called there, or one password for an agent that registers',
      );
    }
  });
}

function queues({ queues: list, agents: known }: Config, report: Report): void {
  const names = list.map(({ name }) => name);
  unique(report, ['queues'], 'name', names);
  const ids = known.map(({ id }) => id);
  list.forEach((queue, index) => {
    queue.agents.forEach((id, place) => {
      if (ids.includes(id)) return;
      report(['queues', index, 'agents', place], 'no such agent', `name one of: ${ids.join(', ')}`);
    });
  });
}

function tokens(config: Config, report: Report): void {
  const list = ['http', 'tokens'];
  unique(
    report,
    list,
    'name',
    config.http.tokens.map((token) => token.name),
  );
  config.http.tokens.forEach((token, index) => {
    oneSource(report, [...list, index], token, 'token');
  });
}

/** A list of servers: each once, with one source for each of its secrets. */
function servers(
  report: Report,
  list: Path,
  entries: readonly { readonly host: string; readonly port: number }[],
  secrets: readonly string[],
): void {
  unique(
    report,
    list,
    'port',
    entries.map(({ host, port }) => `${host.toLowerCase()}:${port}`),
  );
  entries.forEach((entry, index) => {
    for (const name of secrets) oneSource(report, [...list, index], entry, name);
  });
}

function media({ media: { engine, freeswitch } }: Config, report: Report): void {
  servers(report, ['media', 'freeswitch'], freeswitch, ['secret', 'key']);
  if (engine === 'freeswitch' && freeswitch.length === 0) {
    report(['media', 'engine'], 'there is no FreeSWITCH server', 'list one in media.freeswitch');
  }
  if (engine === 'embedded' && freeswitch.length > 0) {
    report(['media', 'freeswitch'], 'the embedded engine uses no server', 'write media.engine: freeswitch');
  }
}

/** What one key's schema cannot say: keys that depend on each other. For a configuration that fits the schema. */
export function brokenRules(config: Config): readonly Finding[] {
  const findings: Finding[] = [];
  const report: Report = (path, message, remedy) => findings.push({ path, at: 'value', message, remedy });
  const { from, to } = config.media.rtpPorts;
  if (from + 1 >= to) {
    report(['media', 'rtpPorts', 'to'], 'no room for a call', 'write a port at least 2 above from');
  }
  if (config.secure.leavingGuardMaxMs <= config.secure.leavingGuardMs) {
    report(['secure', 'leavingGuardMaxMs'], 'out of range', 'write more than leavingGuardMs');
  }
  unique(
    report,
    ['routes'],
    'user',
    config.routes.map((route) => route.user),
  );
  servers(report, ['sip', 'drachtio'], config.sip.drachtio, ['secret']);
  media(config, report);
  tokens(config, report);
  agents(config, report);
  queues(config, report);
  unique(
    report,
    ['trunks'],
    'name',
    config.trunks.map((trunk) => trunk.name),
  );
  connectors(config, report);
  dataActions(config, report);
  bots(config, report);
  return findings;
}
