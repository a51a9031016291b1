import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Value from 'typebox/value';
import { parse } from 'yaml';
import { loadConfig } from '../../config/config.js';
import { Compose, type Service } from './compose-schema.js';

/** docker-compose.yml cannot be run by the tests; it is held against everything that it names. */

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const text = read('docker-compose.yml');
const document: unknown = parse(text, { merge: true });
const compose = Value.Parse(Compose, document);
const { tacet, drachtio, freeswitch, redis } = compose.services;
const services: readonly (readonly [string, Service])[] = Object.entries(compose.services);

const SECRET = 'a'.repeat(64);
const VALUES: Readonly<Record<string, string>> = {
  PUBLIC_ADDRESS: '192.0.2.10',
  DRACHTIO_SECRET: SECRET,
  FREESWITCH_ESL_PASSWORD: SECRET,
  FREESWITCH_TACET_KEY: SECRET,
  REDIS_PASSWORD: SECRET,
};
const VARIABLE = /(?<!\$)\$\{([A-Z_]+)(.*?)\}/g;
const filled = (value: string): string => value.replace(VARIABLE, (_, name: string) => VALUES[name] ?? '');

const directory = mkdtempSync(join(tmpdir(), 'tacet-compose-'));
after(() => rmSync(directory, { recursive: true }));
const env = Object.fromEntries(
  Object.entries(tacet.environment).map(([name, value]) => [name, filled(value)]),
);
const config = loadConfig({ env, cwd: directory });

const address = (service: Service, network: 'private' | 'edge') => service.networks[network]?.ipv4_address;
const afterFlag = (service: Service, flag: string): string => {
  const { command = [] } = service;
  return filled(command[command.indexOf(flag) + 1] ?? '');
};
const variablesOf = (folder: string, pattern: RegExp): string[] => {
  const files = readdirSync(join(root, folder)).map((file) => read(join(folder, file)));
  return [
    ...new Set(files.flatMap((file) => [...file.matchAll(pattern)].map(([, name = '']) => name))),
  ].sort();
};

test('docker-compose.yml has no key that the schema does not know', () => {
  assert.deepEqual([...Value.Errors(Compose, document)], []);
});

test('every service is hardened, and says when it is well', () => {
  for (const [name, service] of services) {
    assert.deepEqual(service.cap_drop, ['ALL'], name);
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
    assert.deepEqual([service.read_only, service.ulimits.core, service.user], [true, 0, '1000:1000'], name);
    assert.ok(service.healthcheck.test.length > 1, name);
  }
});

test('images are named with their version; our own is built from the Dockerfile', () => {
  assert.equal(tacet.build, '.');
  for (const [name, { image, build }] of services) {
    if (build === undefined) assert.match(image, /:[0-9][0-9a-z.-]*$/, name);
  }
});

test('every variable is required, and .env.example has each of them without a value', () => {
  for (const [whole, name = '', rest = ''] of text.matchAll(VARIABLE)) {
    assert.match(rest, /^:\?./, whole);
    assert.ok(name in VALUES, name);
  }
  const lines = read('.env.example')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(
    lines.sort(),
    Object.keys(VALUES)
      .map((name) => `${name}=`)
      .sort(),
  );
});

test('no secret is written into the file', () => {
  const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  for (const line of lines) {
    assert.doesNotMatch(line.replace(VARIABLE, ''), /(password|secret|key|pass)["',]*[:,] ?["']*\w/i);
  }
});

test('FreeSWITCH gets every variable that its configuration asks for, and no other', () => {
  const asked = variablesOf('config/freeswitch', /=\$(FREESWITCH_\w+)"/g);
  assert.deepEqual(Object.keys(freeswitch.environment).sort(), asked);
  assert.ok(asked.length > 10);
});

test('Tacet, drachtio-server and FreeSWITCH find and admit each other', () => {
  const fs = freeswitch.environment;
  assert.deepEqual(
    config.sip.drachtio.map(({ host, port }) => [host, String(port)]),
    [[afterFlag(drachtio, '--address'), afterFlag(drachtio, '--port')]],
  );
  assert.equal(config.sip.drachtio[0]?.host, address(drachtio, 'private'));
  assert.equal(config.sip.drachtio[0]?.secret, filled(drachtio.environment.DRACHTIO_SECRET ?? ''));
  assert.equal(config.media.engine, 'freeswitch');
  assert.deepEqual(
    config.media.freeswitch.map(({ host, port, secret, key }) => ({ host, port: String(port), secret, key })),
    [
      {
        host: address(freeswitch, 'private'),
        port: fs.FREESWITCH_ESL_PORT,
        secret: filled(fs.FREESWITCH_ESL_PASSWORD ?? ''),
        key: filled(fs.FREESWITCH_TACET_KEY ?? ''),
      },
    ],
  );
  assert.equal(fs.FREESWITCH_ESL_ADDRESS, address(freeswitch, 'private'));
  assert.equal(fs.FREESWITCH_SIP_ADDRESS, address(freeswitch, 'private'));
  assert.deepEqual(fs.FREESWITCH_ESL_ALLOW?.split(','), [
    `${address(tacet, 'private')}/32`,
    `${address(freeswitch, 'private')}/32`,
  ]);
  assert.equal(fs.FREESWITCH_SIP_ALLOW, `${address(drachtio, 'private')}/32`);
  assert.equal(config.media.listener.address, address(tacet, 'private'));
  assert.ok(freeswitch.healthcheck.test.join(' ').includes(`-H ${address(freeswitch, 'private')}`));
});

test('RTP is received on the edge and advertised as the public address', () => {
  const fs = freeswitch.environment;
  assert.equal(config.media.address, address(tacet, 'edge'));
  assert.equal(config.media.advertisedAddress, VALUES.PUBLIC_ADDRESS);
  assert.equal(fs.FREESWITCH_RTP_ADDRESS, address(freeswitch, 'edge'));
  assert.equal(filled(fs.FREESWITCH_RTP_ADVERTISED_ADDRESS ?? ''), VALUES.PUBLIC_ADDRESS);
  assert.equal(afterFlag(drachtio, '--external-ip'), VALUES.PUBLIC_ADDRESS);
});

test('what is published is what is listened on, and no port for ESL, admin, media commands or Redis', () => {
  const { rtpPorts } = config.media;
  const { FREESWITCH_RTP_PORTS_FROM: from, FREESWITCH_RTP_PORTS_TO: to } = freeswitch.environment;
  const range = (first: unknown, last: unknown) => `${first}-${last}:${first}-${last}/udp`;
  assert.deepEqual(tacet.ports, [
    `127.0.0.1:${config.http.port}:${config.http.port}/tcp`,
    range(rtpPorts.from, rtpPorts.to),
  ]);
  assert.deepEqual(drachtio.ports, ['5060:5060/udp', '5060:5060/tcp']);
  assert.match(afterFlag(drachtio, '--contact'), /^sip:172\.30\.98\.10:5060;transport=udp,tcp$/);
  assert.deepEqual(freeswitch.ports, [range(from, to)]);
  assert.equal(redis.ports, undefined);
  assert.ok(Number(to) < rtpPorts.from, 'the two RTP ranges do not meet');
  // Two ports a channel, and FreeSWITCH keeps a freed one back for a while.
  assert.ok(Number(freeswitch.environment.FREESWITCH_MAX_SESSIONS) * 2 <= Number(to) - Number(from) + 1);
});

test('the private network has no way out, and addresses are inside their networks, each once', () => {
  assert.equal(compose.networks.private.internal, true);
  const addresses = services.flatMap(([, service]) => Object.entries(service.networks));
  for (const [network, { ipv4_address }] of addresses) {
    const subnet = compose.networks[network as 'private' | 'edge'].ipam.config[0]?.subnet ?? '';
    assert.ok(ipv4_address.startsWith(subnet.replace(/0\/24$/, '')), ipv4_address);
  }
  assert.equal(new Set(addresses.map(([, { ipv4_address }]) => ipv4_address)).size, addresses.length);
  assert.deepEqual(Object.keys(redis.networks), ['private']);
});

test('mounted paths exist, named volumes are declared, and configuration cannot be written', () => {
  for (const [name, { volumes = [] }] of services) {
    for (const volume of volumes) {
      if (typeof volume !== 'string') {
        assert.ok(volume.source in compose.volumes && volume.read_only, name);
        continue;
      }
      const [source = '', , mode] = volume.split(':');
      if (!source.startsWith('./')) assert.ok(source in compose.volumes, volume);
      else assert.ok(mode === 'ro' && statSync(join(root, source)).isDirectory(), volume);
    }
  }
  const conf = afterFlag(drachtio, '-f');
  assert.ok(existsSync(join(root, conf.replace('/etc/tacet/', 'config/drachtio/'))), conf);
  assert.ok(freeswitch.volumes?.includes(`./config/freeswitch:${afterFlag(freeswitch, '-conf')}:ro`));
});

test('FreeSWITCH sees prompts where Tacet writes them', () => {
  const prompts = `${config.dataDirectory}/prompts`;
  assert.equal(config.media.promptPath, 'same');
  assert.ok(tacet.volumes?.includes(`prompts:${prompts}`));
  const mounted = freeswitch.volumes?.find((volume) => typeof volume !== 'string');
  assert.ok(typeof mounted === 'object' && mounted.source === 'prompts' && mounted.target === prompts);
});

test('what FreeSWITCH writes stays in memory', () => {
  const flags = ['-log', '-db', '-run', '-temp', '-cache', '-storage', '-recordings', '-certs'];
  for (const flag of flags) {
    assert.ok(
      freeswitch.tmpfs?.some((mount) => mount.startsWith(`${afterFlag(freeswitch, flag)}:`)),
      flag,
    );
  }
});

test('the Dockerfile copies what exists and starts what npm start starts; secrets stay out of the image', () => {
  const dockerfile = read('Dockerfile');
  for (const [, sources = ''] of dockerfile.matchAll(/^COPY (?!--)(.*) \S+$/gm)) {
    for (const source of sources.split(' ')) assert.ok(existsSync(join(root, source)), source);
  }
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const [, command = ''] = /^CMD (.*)$/m.exec(dockerfile) ?? [];
  assert.equal((JSON.parse(command) as string[]).join(' '), scripts.start);
  assert.ok(dockerfile.includes(`mkdir -p -m 0700 ${config.dataDirectory} `));
  const ignored = read('.dockerignore').split('\n');
  for (const path of ['.env', 'data', 'secrets', 'tacet.yaml']) assert.ok(ignored.includes(path), path);
});
