import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError, loadConfig } from '../../config/config.js';
import { settingsOf } from '../../config/environment.js';
import { ConfigSchema } from '../../config/schema.js';
import { nearest } from '../../flows/nearest.js';
import { checkReferences, knownNames } from '../../server/references.js';
import { libraryOf } from './flow-documents.js';

const directory = mkdtempSync(join(tmpdir(), 'tacet-config-'));
after(() => rmSync(directory, { recursive: true }));

const file = join(directory, 'tacet.yaml');

function load(yaml: string, env: NodeJS.ProcessEnv = {}) {
  writeFileSync(file, yaml);
  return loadConfig({ file, env, cwd: '/nowhere' });
}

test('a route names a flow of type inbound: any other is refused with its type, and with those that would do', async () => {
  const flow = (name: string, type: string) =>
    `name: ${name}\ntype: ${type}\ntasks:\n  main:\n    - do: disconnect\n`;
  const types = ['inbound', 'outbound', 'inQueue', 'secure', 'module'];
  const flows = await libraryOf(...types.map((type) => flow(type.toLowerCase(), type)));
  for (const type of types) {
    const config = load(`routes: [{user: a, flow: ${type.toLowerCase()}}]`);
    if (type === 'inbound') checkReferences(config, flows, knownNames(config));
    else {
      const [problem] = problemsOf(() => checkReferences(config, flows, knownNames(config)));
      assert.equal(problem?.field, 'routes[0].flow');
      assert.equal(problem.message, `flow ${type.toLowerCase()} is of type ${type}`);
      assert.equal(problem.remedy, 'name an inbound flow: inbound');
    }
  }
});

function problemsOf(run: () => unknown) {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  return assert.fail('nothing was refused');
}

test('without a file the defaults hold and name no secret', () => {
  const config = loadConfig({ env: {}, cwd: '/nowhere' });
  assert.equal(config.sip.port, 5060);
  assert.deepEqual(config.sip.transports, ['udp', 'tcp']);
  assert.deepEqual(config.media.rtpPorts, { from: 40000, to: 49999 });
  assert.equal(config.http.address, '127.0.0.1');
  assert.deepEqual(config.routes, [
    { user: 'support', flow: 'support' },
    { user: 'pay', flow: 'pay-by-phone' },
  ]);
  assert.deepEqual(config.agents, [{ id: 'agent' }]);
  assert.deepEqual(config.http.tokens, []);
  assert.equal(config.configFile, null);
  assert.equal(config.dataDirectory, '/nowhere/data');
});

test('tacet.yaml of the working directory is read; TACET_CONFIG goes before it', () => {
  writeFileSync(file, 'sip: {port: 5080}');
  assert.equal(loadConfig({ env: {}, cwd: directory }).sip.port, 5080);
  writeFileSync(join(directory, 'other.yaml'), 'sip: {port: 5081}');
  assert.equal(loadConfig({ env: { TACET_CONFIG: 'other.yaml' }, cwd: directory }).sip.port, 5081);
});

test('a named file that is missing is an error, not the defaults', () => {
  const [problem] = problemsOf(() => loadConfig({ env: { TACET_CONFIG: 'gone.yaml' }, cwd: directory }));
  assert.equal(problem?.file, join(directory, 'gone.yaml'));
  assert.match(problem?.message ?? '', /ENOENT/);
});

test('an empty file, and a section with everything commented out, mean the defaults', () => {
  assert.equal(load('').sip.port, 5060);
  assert.equal(load('sip:\n# port: 1\nroutes:\n').sip.port, 5060);
});

test('relative paths start at the file; without a file at the working directory', () => {
  const config = load(
    'dataDirectory: d\nflows: {directories: [f]}\nhttp: {tokens: [{name: a, tokenFile: t}]}\n' +
      'agents: [{id: a, passwordFile: p}]\n' +
      'connectors: {g: {type: https, url: "https://h/", caFile: c, authorization: {file: s}}}',
  );
  const inside = (name: string) => join(directory, name);
  assert.equal(config.dataDirectory, inside('d'));
  assert.deepEqual(config.flows.directories, [inside('f')]);
  assert.equal(config.http.tokens[0]?.tokenFile, inside('t'));
  assert.equal(config.agents[0]?.passwordFile, inside('p'));
  const gateway = config.connectors.g;
  assert.ok(gateway?.type === 'https');
  assert.equal(gateway.caFile, inside('c'));
  assert.deepEqual(gateway.authorization, { file: inside('s') });
  assert.equal(gateway.retries, 2);
});

test('advertised addresses follow a listening address that is not a wildcard', () => {
  const config = load('sip: {address: 127.0.0.1}');
  assert.equal(config.sip.advertisedAddress, '127.0.0.1');
  assert.equal(config.media.advertisedAddress, '127.0.0.1');
  const nat = load('sip: {advertisedAddress: 203.0.113.5}\nmedia: {address: 10.0.0.1}');
  assert.equal(nat.sip.advertisedAddress, '203.0.113.5');
  assert.equal(nat.media.advertisedAddress, '10.0.0.1');
});

/** YAML, then line, column and field of the one problem, then what its text must say. */
const WRONG: readonly (readonly [string, number, number, string, RegExp])[] = [
  ['sip:\n  prot: 5060', 2, 3, 'sip.prot', /unknown key; did you mean port\?/],
  ['spi: {}', 1, 1, 'spi', /did you mean sip\?/],
  ['sip: {zzzzzzzzzz: 1}', 1, 7, 'sip.zzzzzzzzzz', /known here: address, port/],
  ['sip:\n  port: "5060"', 2, 9, 'sip.port', /not a value.*whole number from 0 to 65535/],
  ['sip:\n  port: 5060.5', 2, 9, 'sip.port', /not a value/],
  ['sip:\n  port: 65536', 2, 9, 'sip.port', /out of range/],
  ['sip: 5', 1, 6, 'sip', /mapping/],
  ['sip: {transports: []}', 1, 19, 'sip.transports', /empty/],
  ['sip: {transports: [udp, udp]}', 1, 19, 'sip.transports', /repeated/],
  ['sip: {transports: [udp, tls]}', 1, 25, 'sip.transports[1]', /one of udp, tcp/],
  ['sip: {address: example.com}', 1, 16, 'sip.address', /IP address/],
  ['pciDss: yes', 1, 9, 'pciDss', /true or false/],
  ['media: {engine: other}', 1, 17, 'media.engine', /one of embedded/],
  ['media: {rtpPorts: {from: 40000, to: 40001}}', 1, 37, 'media.rtpPorts.to', /no room/],
  ['secure: {leavingGuardMs: 799}', 1, 26, 'secure.leavingGuardMs', /from 800/],
  ['secure: {leavingGuardMs: 900, leavingGuardMaxMs: 900}', 1, 50, 'secure.leavingGuardMaxMs', /more than/],
  ['routes: [{user: a, flow: x}, {user: a, flow: y}]', 1, 37, 'routes[1].user', /already used/],
  ['routes: [{user: a}]', 1, 10, 'routes[0].flow', /missing; add flow/],
  ['routes: {user: a}', 1, 9, 'routes', /a list/],
  ['agents: [{id: a}, {id: a}]', 1, 24, 'agents[1].id', /already used/],
  ['agents: [{id: ../a}]', 1, 15, 'agents[0].id', /matching/],
  ['agents: [{id: a, uri: "sip:a@b", password: 123456789012}]', 1, 44, 'agents[0].password', /in quotes/],
  ['agents: [{id: a, uri: "sip:a@b", passwordFile: x}]', 1, 10, 'agents[0]', /exclude each other/],
  ['http: {tokens: [{name: a}]}', 1, 17, 'http.tokens[0]', /exactly one/],
  ['http: {tokens: [{name: a, token: short}]}', 1, 34, 'http.tokens[0].token', /32 to 512 characters/],
  ['connectors: {p: {type: other}}', 1, 24, 'connectors.p.type', /type: sandbox or type: https/],
  ['connectors: {p: {}}', 1, 17, 'connectors.p', /type: sandbox/],
  ['connectors: {p: {type: sandbox, url: x}}', 1, 33, 'connectors.p.url', /unknown key/],
  ['connectors: {"a b": {type: sandbox}}', 1, 14, 'connectors.a b', /not a name/],
  ['connectors: {p: {type: https}}', 1, 17, 'connectors.p.url', /missing/],
  ['connectors: {p: {type: https, url: "http://h/"}}', 1, 36, 'connectors.p.url', /unencrypted/],
  [
    'connectors: {p: {type: https, url: "http://10.0.0.1/", allowInsecureHttp: true}}',
    1,
    36,
    'connectors.p.url',
    /unencrypted/,
  ],
  ['connectors: {p: {type: https, url: "https://u:p@h/"}}', 1, 36, 'connectors.p.url', /authorization/],
  [
    'connectors: {p: {type: https, url: "https://h/", encryption: {algorithm: ECDH-ES, keys: [{kid: a, file: a}, {kid: a, file: b}]}}}',
    1,
    115,
    'connectors.p.encryption.keys[1].kid',
    /its own kid/,
  ],
  [
    'connectors: {p: {type: https, url: "https://h/", encryption: {algorithm: ECDH-ES, keys: [{kid: a, file: a, validFrom: "2027-01-31T00:00:00Z"}]}}}',
    1,
    89,
    'connectors.p.encryption.keys',
    /leave validFrom out/,
  ],
  [
    'connectors: {p: {type: https, url: "https://h/", encryption: {algorithm: ECDH-ES, keys: [{kid: a, file: a, validFrom: "tomorrow"}]}}}',
    1,
    119,
    'connectors.p.encryption.keys[0].validFrom',
    /a time in UTC/,
  ],
  [
    'connectors: {p: {type: https, url: "https://h/", signature: {key: {}}}}',
    1,
    67,
    'connectors.p.signature.key',
    /either env: NAME or file: path/,
  ],
  ['connectors: {p: {type: https, url: "ftp://h/"}}', 1, 36, 'connectors.p.url', /https: URL/],
  [
    'connectors: {p: {type: https, url: "https://h/", authorization: {}}}',
    1,
    65,
    'connectors.p.authorization',
    /either env/,
  ],
  [
    'connectors: {p: {type: https, url: "https://h/", headers: {Authorization: x}}}',
    1,
    75,
    'connectors.p.headers.Authorization',
    /use authorization/,
  ],
  ['sip: {port: 1}\nsip: {port: 2}', 2, 1, '(document)', /not valid YAML/],
  ['a: [', 1, 5, '(document)', /not valid YAML/],
  ['- 1', 1, 1, '(document)', /mapping/],
  ['prompts: {voice: alice}', 1, 18, 'prompts.voice', /kal, slt/],
];

for (const [yaml, line, column, field, text] of WRONG) {
  test(`refused with its place: ${yaml.replaceAll('\n', ' / ')}`, () => {
    const problems = problemsOf(() => load(yaml));
    assert.equal(problems.length, 1, JSON.stringify(problems));
    const [problem] = problems;
    assert.deepEqual(
      [problem?.file, problem?.line, problem?.column, problem?.field],
      [file, line, column, field],
    );
    assert.match(`${problem?.message}; ${problem?.remedy}`, text);
  });
}

const DATA = 'url: "https://h/"';
for (const [yaml, column, field, text] of [
  ['{url: "http://h/"}', 24, 'url', /unencrypted.*beyond loopback needs allowInsecureHttp/],
  ['{url: "https://u:p@h/"}', 24, 'url', /authorization/],
  [`{${DATA}, method: PUT}`, 46, 'method', /one of GET, POST/],
  [`{${DATA}, method: POST, retries: 1}`, 61, 'retries', /a POST could act twice.*idempotencyKey: true/],
  [`{${DATA}, headers: {authorization: x}}`, 63, 'headers.authorization', /use authorization/],
  [`{${DATA}, authorization: {}}`, 53, 'authorization', /exactly one source/],
  [`{${DATA}, outputs: {a: {type: list}}}`, 58, 'outputs.a.type', /one of string, number, boolean/],
  [`{${DATA}, outputs: {a: {}}}`, 51, 'outputs.a.type', /missing/],
  [`{${DATA}, outputs: {a: {type: string, path: "a..b"}}}`, 72, 'outputs.a.path', /matching/],
  [`{${DATA}, outputs: {status: {type: string}}}`, 56, 'outputs.status', /name status is taken/],
] as const) {
  test(`a data action is refused with its place: ${yaml}`, () => {
    const problems = problemsOf(() => load(`dataActions: {a: ${yaml}}`));
    assert.equal(problems.length, 1, JSON.stringify(problems));
    const [problem] = problems;
    assert.deepEqual([problem?.line, problem?.field], [1, `dataActions.a.${field}`]);
    assert.equal(problem?.column, column);
    assert.match(`${problem?.message}; ${problem?.remedy}`, text);
  });
}

test('data actions have defaults, and http: to loopback or where it is allowed', () => {
  const config = load(
    'dataActions:\n  a: {url: "http://127.0.0.1/", caFile: c, authorization: {file: s}}\n' +
      '  b: {url: "http://crm.local/", allowInsecureHttp: true, method: POST, retries: 1, idempotencyKey: true}',
  );
  const { a, b } = config.dataActions;
  assert.deepEqual([a?.method, a?.retries, a?.timeoutMs, a?.outputs], ['GET', 0, 5000, {}]);
  assert.equal(a?.caFile, join(directory, 'c'));
  assert.deepEqual(a?.authorization, { file: join(directory, 's') });
  assert.equal(b?.retries, 1);
  assert.deepEqual(load('').dataActions, {});
});

test('http: to loopback is possible when it is allowed', () => {
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    load(`connectors: {p: {type: https, url: "http://${host}:1/", allowInsecureHttp: true}}`);
  }
});

test('an alias bomb is refused', () => {
  const levels = Array.from(
    { length: 9 },
    (_, i) =>
      `${'abcdefghij'[i + 1]}: &${'abcdefghij'[i + 1]} [${Array(9).fill(`*${'abcdefghij'[i]}`).join(',')}]`,
  );
  const problems = problemsOf(() => load(`a: &a [1]\n${levels.join('\n')}`));
  assert.match(problems[0]?.message ?? '', /aliases/);
});

test('all problems are reported at once, the message as documented', () => {
  const env = { TACET_HTTP_PORT: 'eighty' };
  const yaml = '# comment\nsip:\n  prot: 5060\nlog: {level: loud}\n';
  const problems = problemsOf(() => load(yaml, env));
  assert.deepEqual(problems.map((problem) => problem.field).sort(), [
    'TACET_HTTP_PORT',
    'log.level',
    'sip.prot',
  ]);
  const lines = new ConfigError(problems).message.replaceAll(file, '/etc/tacet/tacet.yaml').split('\n');
  const reference = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  for (const line of lines.filter((one) => !one.includes('log.level')))
    assert.ok(reference.includes(line), line);
});

test('no message shows a configured value', () => {
  const secret = 'hunter2-hunter2';
  const yamls = [
    `http: {tokens: [{name: a, token: ${secret}}]}`,
    `agents: [{id: a, password: [${secret}]}]`,
    `sip: {address: ${secret}}`,
    `http: {tokens: ${secret}}`,
    `a: "${secret}`,
  ];
  for (const yaml of yamls) {
    const problems = problemsOf(() => load(yaml));
    assert.ok(!new ConfigError(problems).message.includes('hunter2'), yaml);
  }
  const fromEnv = problemsOf(() => load('', { TACET_HTTP_TOKENS: `["${secret}"` }));
  assert.ok(!new ConfigError(fromEnv).message.includes('hunter2'));
});

test('the environment overrides the file, by type', () => {
  const config = load('sip: {port: 5080, address: 10.0.0.1}', {
    TACET_SIP_PORT: '0',
    TACET_PCI_DSS: 'true',
    TACET_LOG_LEVEL: 'warn',
    TACET_SIP_TRANSPORTS: '["tcp"]',
    TACET_MEDIA_RTP_PORTS_FROM: '30000',
    TACET_CONNECTORS: '{"gateway": {"type": "sandbox"}}',
    PATH: '/bin',
  });
  assert.equal(config.sip.port, 0);
  assert.equal(config.sip.address, '10.0.0.1');
  assert.equal(config.pciDss, true);
  assert.equal(config.log.level, 'warn');
  assert.deepEqual(config.sip.transports, ['tcp']);
  assert.deepEqual(config.media.rtpPorts, { from: 30000, to: 49999 });
  assert.deepEqual(config.connectors, { gateway: { type: 'sandbox' } });
});

test('an environment variable that is wrong is named', () => {
  const fields = (env: NodeJS.ProcessEnv) =>
    problemsOf(() => load('', env)).map((problem) => [problem.file, problem.field, problem.remedy]);
  assert.deepEqual(fields({ TACET_SIP_PROT: '1' }), [
    ['environment', 'TACET_SIP_PROT', 'did you mean TACET_SIP_PORT?'],
  ]);
  assert.deepEqual(fields({ TACET_SIP_PORT: '70000' }), [
    ['environment', 'TACET_SIP_PORT', 'write a whole number from 0 to 65535'],
  ]);
  assert.deepEqual(fields({ TACET_ROUTES: '[{"user": "a"}]' }), [
    ['environment', 'TACET_ROUTES', 'add flow: a text matching ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'],
  ]);
  assert.deepEqual(fields({ TACET_PCI_DSS: '1' }), [['environment', 'TACET_PCI_DSS', 'write true or false']]);
});

test('a problem inside an override does not blame the file', () => {
  const problems = problemsOf(() => load('routes: []', { TACET_ROUTES: '5' }));
  assert.deepEqual(
    problems.map((problem) => problem.file),
    ['environment'],
  );
});

test('no two keys share an environment variable', () => {
  const names = settingsOf(ConfigSchema).map((setting) => setting.name);
  assert.equal(new Set(names).size, names.length);
});

test('the nearest name is near', () => {
  assert.equal(nearest('adress', ['address', 'port']), 'address');
  assert.equal(nearest('PORT', ['address', 'port']), 'port');
  assert.equal(nearest('whatever', ['address', 'port']), null);
});

const TRUNK = 'name: a, uri: "sip:{number}@192.0.2.1"';

test('a trunk allows no number unless the configuration does', () => {
  const { trunks } = load(`trunks: [{${TRUNK}}]`);
  assert.deepEqual(trunks[0]?.numbers, []);
  assert.deepEqual(load('').trunks, []);
});

for (const [yaml, field, text] of [
  [`trunks: [{${TRUNK}}, {${TRUNK}}]`, 'trunks[1].name', /already used above/],
  ['trunks: [{name: a, uri: "sip:192.0.2.1"}]', 'trunks[0].uri', /matching/],
  ['trunks: [{name: a, uri: "sip:{number}{number}@h"}]', 'trunks[0].uri', /matching/],
  [`trunks: [{${TRUNK}, numbers: ["*"]}]`, 'trunks[0].numbers[0]', /matching/],
  [`trunks: [{${TRUNK}, numbers: ["+*"]}]`, 'trunks[0].numbers[0]', /matching/],
  [`trunks: [{${TRUNK}, numbers: ["X*"]}]`, 'trunks[0].numbers[0]', /matching/],
  [`trunks: [{${TRUNK}, numbers: ["1.*|2"]}]`, 'trunks[0].numbers[0]', /matching/],
  [`trunks: [{${TRUNK}, numbers: [+4930]}]`, 'trunks[0].numbers[0]', /quotes/],
  [`trunks: [{${TRUNK}, callerId: "x\\r\\ny"}]`, 'trunks[0].callerId', /matching/],
  ['queues: [{name: a, agents: [bob]}]', 'queues[0].agents[0]', /no such agent; name one of: agent/],
  ['queues: [{name: a, agents: []}]', 'queues[0].agents', /at least 1/],
  [
    'queues: [{name: a, agents: [agent]}, {name: a, agents: [agent]}]',
    'queues[1].name',
    /already used above/,
  ],
] as const) {
  test(`a target of transfers is refused with its place: ${yaml}`, () => {
    const problems = problemsOf(() => load(yaml));
    assert.equal(problems.length, 1, JSON.stringify(problems));
    const [problem] = problems;
    assert.equal(problem?.field, field);
    assert.match(`${problem?.message}; ${problem?.remedy}`, text);
  });
}
