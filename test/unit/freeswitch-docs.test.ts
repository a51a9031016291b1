import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const shipped = `${root}config/freeswitch/`;
const main = readFileSync(`${shipped}freeswitch.xml`, 'utf8');
const all = readdirSync(shipped)
  .map((file) => readFileSync(shipped + file, 'utf8'))
  .join('\n');

/** Variable of the environment, the name it has in the configuration, and the value without it. */
const variables = [...main.matchAll(/cmd="env-set" data="(\w+)=\$(\w+)"/g)].map(
  ([, name = '', variable = '']) => {
    const otherwise = new RegExp(`cmd="set\\$\\$\\{${name}\\}" data="${name}=(.*)"/>`).exec(main)?.[1];
    return { variable, name, otherwise };
  },
);

test('every variable has a value without it, each is used, and secrets have one that nobody can present', () => {
  assert.ok(variables.length > 10);
  for (const { variable, name, otherwise } of variables) {
    assert.notEqual(otherwise, undefined, variable);
    assert.ok(all.split(`$\${${name}}"`).length + all.split(`$\${${name}}\\E`).length > 3, `${name} is used`);
    if (/PASSWORD|KEY/.test(variable)) assert.equal(otherwise, '&#10;', variable);
  }
});

test('docs/production.md has every variable with its default, and no other', () => {
  const page = readFileSync(`${root}docs/production.md`, 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `FREESWITCH_'));
  const documented = rows.map((row) => row.split(' | ').slice(0, 2).join(' | '));
  const expected = variables.map(({ variable, otherwise }) => {
    return `| \`${variable}\` | ${otherwise === '&#10;' ? 'none' : `\`${otherwise}\``}`;
  });
  assert.deepEqual(documented.sort(), expected.sort());
});

test('nothing is loaded that writes calls, takes digits for commands, or runs what it fetches', () => {
  const loaded = [...all.matchAll(/<load module="(\w+)"/g)].map(([, name]) => name);
  assert.ok(loaded.includes('mod_sofia'));
  for (const name of loaded) {
    assert.doesNotMatch(
      name ?? '',
      /cdr|logfile|syslog|conference|lua|python|perl|v8|httapi|curl|verto|xml_rpc|snmp|amqp/,
    );
  }
});

test('what decides about digits and logs is set, whatever the default of the version', () => {
  const settings: Readonly<Record<string, string>> = {
    loglevel: 'err',
    'dump-cores': 'no',
    'rtp-retain-crypto-keys': 'false',
    'sip-trace': 'no',
    'sip-capture': 'no',
    'pass-rfc2833': 'false',
    'dtmf-type': 'rfc2833',
    'inbound-bypass-media': 'false',
    'inbound-proxy-media': 'false',
    'apply-inbound-acl': 'tacet_',
    'disable-register': 'true',
    'disable-transfer': 'true',
  };
  for (const [name, value] of Object.entries(settings)) {
    assert.ok(all.includes(`<param name="${name}" value="${value}`), name);
  }
  assert.doesNotMatch(all, /capture-server|proxy-info-content-types|extended-info-parsing|"log-file"/);
  assert.match(all, /data="digits_dialed_filter=\.\+"\/>/);
  assert.match(all, /data="digits_dialed_filter=\.\+" inline="true"/);
});
