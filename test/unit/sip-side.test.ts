import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ConfigError, loadConfig } from '../../config/config.js';
import { drachtioServers } from '../../config/secrets.js';

const SECRET = 'a-secret-of-enough-length';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tacet-sip-side-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const load = (entries: unknown) =>
  loadConfig({ env: { TACET_SIP_DRACHTIO: JSON.stringify(entries) }, cwd: directory });

const refuses = (entries: unknown, words: RegExp) =>
  assert.throws(
    () => drachtioServers(load(entries)),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, words);
      assert.ok(!error.message.includes(SECRET));
      return true;
    },
  );

describe('sip.drachtio', () => {
  it('takes secrets from files beside the configuration, and fills in the port', () => {
    writeFileSync(join(directory, 'one.secret'), `${SECRET}\n`, { mode: 0o600 });
    const config = load([{ host: 'sip-1', secretFile: 'one.secret' }]);
    assert.deepEqual(drachtioServers(config), [{ host: 'sip-1', port: 9022, secret: SECRET }]);
  });

  it('wants one secret, long enough, that fits into a line of drachtio, from a file of its owner', () => {
    refuses([{ host: 'a' }], /exactly one of secret and secretFile/);
    refuses([{ host: 'a', secret: SECRET, secretFile: 'x' }], /exactly one of secret and secretFile/);
    refuses([{ host: 'a', secret: 'cymru' }], /sip\.drachtio|TACET_SIP_DRACHTIO/);
    writeFileSync(join(directory, 'bad'), `${SECRET}|x`, { mode: 0o600 });
    refuses([{ host: 'a', secretFile: 'bad' }], /not a secret for a server/);
    writeFileSync(join(directory, 'open'), SECRET);
    chmodSync(join(directory, 'open'), 0o644);
    refuses([{ host: 'a', secretFile: 'open' }], /others may use it/);
  });

  it('wants each server once', () => {
    refuses(
      [
        { host: 'A', secret: SECRET },
        { host: 'a', secret: SECRET },
      ],
      /already used above/,
    );
  });
});

/** The modules that a process loads which opens the SIP side with this configuration, and does nothing else. */
function modulesLoaded(sip: object): string {
  const hook = `import { writeSync } from 'node:fs';
    export async function load(url, context, next) { writeSync(1, url + '\\n'); return next(url, context); }`;
  const side = new URL('../../server/sip/sip-side.js', import.meta.url);
  const program = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}));
    const { openSipSide } = await import(${JSON.stringify(side.href)});
    const side = await openSipSide({ sip: ${JSON.stringify(sip)}, dataDirectory: ${JSON.stringify(directory)} }, { info() {}, error() {} });
    await side.close();`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal(child.status, 0, child.stderr);
  return child.stdout;
}

describe('the SIP side', () => {
  const sip = { address: '127.0.0.1', port: 0, transports: ['udp'], advertisedAddress: '127.0.0.1' };
  const floodLimit = { requestsPerSecond: 0, burst: 1 };

  it('loads nothing of the embedded server with drachtio-server configured', () => {
    const drachtio = [{ host: '127.0.0.1', port: 1, secret: SECRET }];
    const loaded = modulesLoaded({ ...sip, floodLimit, drachtio });
    assert.match(loaded, /drachtio-signalling\.js/);
    assert.doesNotMatch(loaded, /sip\/embedded/);
    assert.match(modulesLoaded({ ...sip, floodLimit, drachtio: [] }), /sip\/embedded\/server\.js/);
  });
});
