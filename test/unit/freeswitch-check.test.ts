import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BANNED_MODULES, secureFault } from '../../media/freeswitch/node-check.js';

const PROFILE =
  '<profile><profile-info><dtmf-mode>rfc2833</dtmf-mode><nomedia>false</nomedia><proxy-media>false</proxy-media></profile-info></profile>';

const NO_MODULES = `${BANNED_MODULES.map((module) => `${module}=false`).join(',')}\n`;
const ASK_MODULES = `eval ${BANNED_MODULES.map((module) => `${module}=\${module_exists(${module})}`).join(',')}`;

/** A server that is as it should be, but for these answers. */
function ask(but: Readonly<Record<string, string>> = {}) {
  return secureFault('FreeSWITCH at 10.0.0.2:8021', async (...words) => {
    const command = words.join(' ');
    if (command in but) return but[command] ?? '';
    if (words[0] === 'eval') return NO_MODULES;
    if (words[0] === 'sofia') return PROFILE;
    if (words[0] === 'global_getvar') return '.+\n';
    if (words[0] === 'version') return '1.11.1-release\n';
    return '+OK log level: ERR [3]\n';
  });
}

const LEVEL = 'fsctl loglevel 4294967294';

describe('what speaks against secure digits on a FreeSWITCH', () => {
  it('is nothing with the shipped configuration', async () => {
    assert.equal(await ask(), null);
    assert.equal(await ask({ [LEVEL]: '+OK log level: DISABLE [-1]' }), null);
  });

  const faults: readonly (readonly [string, string, RegExp])[] = [
    [LEVEL, '+OK log level: NOTICE [5]', /logs at notice: fsctl loglevel err/],
    [LEVEL, '+OK log level: DEBUG [7]', /logs at debug/],
    [LEVEL, '-ERR syntax error', /unknown level/],
    ['version short', '1.10.2-release', /1\.10\.3/],
    ['version short', '1.6.20', /1\.10\.3/],
    ['version short', '-ERR', /1\.10\.3/],
    [ASK_MODULES, NO_MODULES.replace('mod_cdr_csv=false', 'mod_cdr_csv=true'), /has loaded mod_cdr_csv:/],
    [ASK_MODULES, NO_MODULES.replace('mod_lua=false,', ''), /does not say which modules/],
    [ASK_MODULES, ASK_MODULES.slice('eval '.length), /does not say which modules/],
    [ASK_MODULES, '-ERR no reply', /does not say which modules/],
    ['global_getvar digits_dialed_filter', '', /digits_dialed_filter/],
    ['sofia xmlstatus profile drachtio_mrf', PROFILE.replace('rfc2833', 'info'), /dtmf-mode info/],
    ['sofia xmlstatus profile drachtio_mrf', 'Invalid Profile!', /dtmf-mode nothing/],
    ['sofia xmlstatus profile drachtio_mrf', PROFILE.replace('media>false', 'media>true'), /nomedia true/],
  ];
  for (const [command, answer, expected] of faults) {
    it(`is told for ${command}: ${answer.slice(0, 30)}`, async () => {
      const fault = await ask({ [command]: answer });
      assert.match(fault ?? 'none', expected);
      assert.match(fault ?? '', /^FreeSWITCH at 10\.0\.0\.2:8021 /);
    });
  }

  it('asks for every module that is banned', async () => {
    for (const module of BANNED_MODULES) {
      assert.match(
        (await ask({ [ASK_MODULES]: NO_MODULES.replace(`${module}=false`, `${module}=true`) })) ?? '',
        new RegExp(`${module}\\b`),
      );
    }
  });
});
