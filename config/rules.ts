import type { Finding, Path } from './check.js';
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

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function connectors(config: Config, report: Report): void {
  for (const [name, connector] of Object.entries(config.connectors)) {
    if (connector.type !== 'https') continue;
    const path = ['connectors', name];
    const url = new URL(connector.url);
    if (url.username !== '' || url.password !== '') {
      report([...path, 'url'], 'holds a user name or password', 'use authorization');
    }
    if (url.protocol === 'http:' && !(connector.allowInsecureHttp && LOOPBACK.test(url.hostname))) {
      report(
        [...path, 'url'],
        'card data would travel unencrypted',
        'write an https: URL (http: needs allowInsecureHttp: true, and a loopback address)',
      );
    }
    const reference = connector.authorization;
    if (reference !== undefined && (reference.env === undefined) === (reference.file === undefined)) {
      report([...path, 'authorization'], 'needs exactly one source', 'write either env: NAME or file: path');
    }
    const header = Object.keys(connector.headers ?? {}).find((one) => /^(proxy-)?authorization$/i.test(one));
    if (header !== undefined) {
      report([...path, 'headers', header], 'a secret does not belong here', 'use authorization');
    }
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

function tokens(config: Config, report: Report): void {
  const list = ['http', 'tokens'];
  unique(
    report,
    list,
    'name',
    config.http.tokens.map((token) => token.name),
  );
  config.http.tokens.forEach((token, index) => {
    if ((token.token === undefined) === (token.tokenFile === undefined)) {
      report([...list, index], 'needs exactly one of token and tokenFile', 'write tokenFile: path');
    }
  });
}

function drachtio(config: Config, report: Report): void {
  const list = ['sip', 'drachtio'];
  const servers = config.sip.drachtio.map(({ host, port }) => `${host.toLowerCase()}:${port}`);
  unique(report, list, 'port', servers);
  config.sip.drachtio.forEach((server, index) => {
    if ((server.secret === undefined) === (server.secretFile === undefined)) {
      report([...list, index], 'needs exactly one of secret and secretFile', 'write secretFile: path');
    }
  });
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
  drachtio(config, report);
  tokens(config, report);
  agents(config, report);
  connectors(config, report);
  return findings;
}
