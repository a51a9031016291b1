import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { tacet } from './cli-run.js';

const SOUND = 'name: hello\ntype: inbound\ntasks:\n  main:\n    - do: disconnect\n';
const BROKEN = 'name: broken\ntype: inbound\ntasks:\n  main:\n    - do: playAudi\n    - do: disconnect\n';
const LOST = `name: lost
type: inbound
tasks:
  main:
    - { do: transferToSecureFlow, flow: card-paymint }
`;

describe('tacet check', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tacet-check-'));
    await writeFile(join(folder, 'hello.yaml'), SOUND);
    await writeFile(join(folder, 'broken.yaml'), BROKEN);
    await mkdir(join(folder, 'lost'));
    await writeFile(join(folder, 'lost', 'lost.yaml'), LOST);
    await mkdir(join(folder, 'empty'));
    await writeFile(join(folder, 'hello.yml'), SOUND);
  });
  after(() => rm(folder, { recursive: true }));

  it('says how many flows are sound', async () => {
    assert.deepEqual(await tacet(['check', 'hello.yaml'], folder), {
      code: 0,
      out: '1 flow, no problem\n',
      err: '',
    });
  });

  it('prints file, line, column, problem and remedy, of all files of a folder', async () => {
    const { code, out } = await tacet(['check', '.'], folder);
    assert.equal(code, 1);
    assert.equal(out, "broken.yaml:5:11: unknown action 'playAudi' (did you mean 'playAudio'?)\n");
  });

  it('checks what one flow says of another, the library included', async () => {
    const { code, out } = await tacet(['check', 'lost/lost.yaml'], folder);
    assert.equal(code, 1);
    assert.equal(
      out,
      "lost/lost.yaml:5:41: there is no flow 'card-paymint' (did you mean 'card-payment'?)\n",
    );
  });

  it('tells programs the same in JSON', async () => {
    const broken = await tacet(['check', '--json', 'broken.yaml', 'hello.yaml'], folder);
    assert.equal(broken.code, 1);
    assert.deepEqual(JSON.parse(broken.out), {
      ok: false,
      files: ['broken.yaml', 'hello.yaml'],
      problems: [
        {
          file: 'broken.yaml',
          line: 5,
          column: 11,
          message: "unknown action 'playAudi'",
          remedy: "did you mean 'playAudio'?",
        },
      ],
    });
    const sound = await tacet(['check', '--json', 'hello.yaml'], folder);
    assert.deepEqual(JSON.parse(sound.out), { ok: true, files: ['hello.yaml'], problems: [] });
  });

  it('does not pass over what the server would not read', async () => {
    const { code, out } = await tacet(['check', 'hello.yml', 'empty'], folder);
    assert.equal(code, 1);
    assert.equal(
      out,
      'hello.yml:1:1: the server does not read this file (name flow documents *.yaml)\n' +
        'empty:1:1: no flow is in this folder (name flow documents *.yaml)\n',
    );
  });

  it('says which file cannot be read', async () => {
    await mkdir(join(folder, 'odd', 'folder.yaml'), { recursive: true });
    const { code, out, err } = await tacet(['check', 'odd'], folder);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, /^tacet: EISDIR.*\n$/);
  });

  for (const [args, message] of [
    [[], 'a command is missing'],
    [['chekc'], "there is no command 'chekc'"],
    [['check'], 'check: name a file or a folder of flows'],
    [['check', 'nowhere.yaml'], 'there is no file or folder nowhere.yaml'],
    [['check', '--jsn', 'hello.yaml'], "Unknown option '--jsn'"],
  ] as const) {
    it(`refuses the command line '${args.join(' ')}' with code 2`, async () => {
      const { code, out, err } = await tacet(args, folder);
      assert.equal(code, 2);
      assert.equal(out, '');
      assert.ok(err.startsWith(`tacet: ${message}`), err);
      assert.match(err, /tacet <command>/);
    });
  }

  it('explains itself', async () => {
    const { code, out } = await tacet(['--help'], folder);
    assert.equal(code, 0);
    assert.match(out, /check \[--json\] FILE\|FOLDER/);
  });
});
