import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodePcmu, pcmuToPcma } from '../../media/codec/g711.js';
import { levelOf } from '../../media/codec/level.js';
import { readWav, writeWav } from '../../media/codec/wav.js';
import { MediaError, type MediaErrorCode } from '../../media/media-server.js';
import { AudioThread } from '../../media/prompts/audio-thread.js';
import { toPrompt } from '../../media/prompts/encoded-prompt.js';
import { PromptMemory } from '../../media/prompts/prompt-memory.js';
import { PromptStore, type PromptStoreOptions } from '../../media/prompts/prompt-store.js';

const TIMEOUT = { timeout: 30_000 };
const GREETING = { text: 'Please enter your card number.' };
const CARD = { text: 'Your card ends in 4 2 4 2.' };

let root: string;
let made = 0;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'tacet-prompts-'));
});
after(() => rm(root, { recursive: true }));

function freshDirectory(): string {
  made += 1;
  return join(root, `cache-${made}`);
}

async function withStore<T>(
  use: (store: PromptStore, directory: string) => Promise<T>,
  options: Partial<PromptStoreOptions> = {},
): Promise<T> {
  const directory = options.directory ?? freshDirectory();
  const store = new PromptStore({ ...options, directory });
  try {
    return await use(store, directory);
  } finally {
    await store.close();
  }
}

const failsWith = (code: MediaErrorCode, text: RegExp) => (error: unknown) =>
  error instanceof MediaError && error.code === code && text.test(error.message);

describe('PromptStore', () => {
  it('encodes once, in both laws, in shared memory', TIMEOUT, () =>
    withStore(async (store) => {
      const [first, again] = await store.resolve([GREETING, GREETING]);
      assert.ok(first);
      assert.equal(first, again);
      assert.equal((await store.resolve([GREETING]))[0], first);
      assert.ok(first.pcmu.buffer instanceof SharedArrayBuffer);
      assert.ok(first.pcma.buffer instanceof SharedArrayBuffer);
      assert.equal(first.samples, first.pcmu.length);
      assert.equal(first.samples, first.pcma.length);
      assert.ok(Math.abs(levelOf(decodePcmu(first.pcmu)) + 20) < 2);
      const transcoded = pcmuToPcma(first.pcmu);
      const same = transcoded.filter((byte, i) => byte === first.pcma[i]).length;
      assert.ok(same > first.samples / 2);
      const [other] = await store.resolve([CARD]);
      assert.notEqual(other?.id, first.id);
    }),
  );

  it('shares one rendering between all who ask at once', TIMEOUT, () =>
    withStore(async (store) => {
      const all = await Promise.all(Array.from({ length: 50 }, () => store.resolve([CARD])));
      assert.equal(new Set(all.flat()).size, 1);
      assert.equal(new Set(await Promise.all([store.loop('hold-music'), store.loop('hold-music')])).size, 1);
    }),
  );

  it('keeps prepared texts as WAV files, and never a text that comes up in a call', TIMEOUT, () =>
    withStore(async (store, directory) => {
      const steps: string[] = [];
      await store.prepare([GREETING, GREETING], (done, total) => steps.push(`${done}/${total}`));
      assert.deepEqual(steps, ['1/2', '2/2']);
      await store.resolve([CARD]);
      const path = store.wavPath(GREETING);
      assert.ok(path);
      assert.deepEqual(
        (await readdir(directory)).map((name) => join(directory, name)),
        [path],
      );
      assert.equal(store.wavPath(CARD), null);
      assert.equal(store.wavPath({ file: '/a.wav' }), '/a.wav');
      const [prompt] = await store.resolve([GREETING]);
      assert.equal(readWav(await readFile(path), path).length, prompt?.samples);
      await store.resolve([CARD], { persist: true });
      assert.equal((await readdir(directory)).length, 2);
    }),
  );

  it('forgets released texts, which are still spoken and can be prepared again', TIMEOUT, () =>
    withStore(async (store) => {
      await store.prepare([GREETING]);
      const [before] = await store.resolve([GREETING]);
      store.release([GREETING, { file: '/a.wav' }]);
      assert.equal(store.wavPath(GREETING), null);
      const [spoken] = await store.resolve([GREETING]);
      assert.notEqual(spoken, before);
      assert.equal(spoken?.samples, before?.samples);
      await store.prepare([GREETING]);
      assert.ok(store.wavPath(GREETING));
    }),
  );

  it('reads kept files at the next start, and speaks damaged ones anew', TIMEOUT, async () => {
    const directory = freshDirectory();
    const path = await withStore(
      async (store) => {
        await store.prepare([GREETING]);
        return store.wavPath(GREETING) ?? '';
      },
      { directory },
    );
    const spoken = await readFile(path);
    // A file that differs from what would be spoken shows which of the two was taken.
    await writeFile(path, writeWav(new Int16Array(800)));
    await withStore(
      async (store) => {
        await store.prepare([GREETING]);
        assert.equal((await store.resolve([GREETING]))[0]?.samples, 800);
      },
      { directory },
    );
    for (const damage of [
      () => truncate(path, 100),
      () => truncate(path, 0),
      () => writeFile(path, 'oops'),
    ]) {
      await damage();
      await withStore((store) => store.prepare([GREETING]), { directory });
      assert.deepEqual(await readFile(path), spoken);
    }
    assert.equal((await readdir(directory)).length, 1);
  });

  it('says which directory cannot be written', TIMEOUT, async () => {
    const directory = join(root, 'a-file', 'cache');
    await writeFile(join(root, 'a-file'), '');
    await withStore(
      (store) => assert.rejects(store.prepare([GREETING]), failsWith('bad-audio', /a-file\/cache: E/)),
      { directory },
    );
  });

  it('plays WAV files, and reads them again when they changed a second ago', TIMEOUT, () => {
    let now = 0;
    const second = () => {
      now += 1000;
    };
    const use = async (store: PromptStore): Promise<void> => {
      const file = join(root, 'hello.wav');
      await writeFile(file, writeWav(new Int16Array(160)));
      const [first] = await store.resolve([{ file }]);
      assert.equal(first?.samples, 160);
      assert.equal((await store.resolve([{ file }]))[0], first);
      await writeFile(file, writeWav(new Int16Array(320)));
      assert.equal((await store.resolve([{ file }]))[0], first);
      second();
      assert.equal((await store.resolve([{ file }]))[0]?.samples, 320);
      await writeFile(file, writeWav(new Int16Array(320).fill(1000)));
      await utimes(file, 1, 1);
      second();
      assert.equal(decodePcmu((await store.resolve([{ file }]))[0]?.pcmu ?? new Uint8Array(1))[0], 988);
    };
    return withStore(use, { now: () => now });
  });

  it('names a file that is missing, is none, or is not a WAV', TIMEOUT, () =>
    withStore(async (store) => {
      const broken = join(root, 'broken.wav');
      await writeFile(broken, 'not audio');
      for (const file of [join(root, 'missing.wav'), root, broken]) {
        const named = failsWith('bad-audio', new RegExp(`^${file}: `));
        await assert.rejects(store.resolve([GREETING, { file }]), named);
        await assert.rejects(store.prepare([{ file }]), named);
      }
      await writeFile(broken, writeWav(new Int16Array(160)));
      assert.equal((await store.resolve([{ file: broken }]))[0]?.samples, 160);
    }),
  );

  it('never quotes a text that it refuses', TIMEOUT, () =>
    withStore(async (store) => {
      const text = `4242 ${'x'.repeat(2000)}`;
      await assert.rejects(store.resolve([{ text }]), failsWith('bad-audio', /^a text of 2005 characters/));
    }),
  );

  it('gives loops', TIMEOUT, () =>
    withStore(async (store) => {
      for (const name of ['hold-music', 'ringback', 'comfort-tone'] as const) {
        const loop = await store.loop(name);
        assert.ok(loop.samples >= 24_000);
        assert.equal(await store.loop(name), loop);
      }
    }),
  );

  it('rejects what is under way when it is closed, and all that comes after', TIMEOUT, async () => {
    const store = new PromptStore({ directory: freshDirectory() });
    const pending = [store.resolve([GREETING]), store.resolve([CARD]), store.loop('ringback')];
    const settled = Promise.allSettled(pending);
    await store.close();
    for (const result of await settled) {
      assert.equal(result.status, 'rejected');
      assert.ok(failsWith('closed', /closed/)(result.reason));
    }
    await assert.rejects(store.resolve([GREETING]), failsWith('closed', /closed/));
    await store.close();
  });
});

describe('PromptMemory', () => {
  const prompt = (samples: number) =>
    toPrompt({ pcmu: new Uint8Array(samples), pcma: new Uint8Array(samples) });

  it('forgets the least recently used first', () => {
    const memory = new PromptMemory(300);
    for (const key of ['a', 'b', 'c']) memory.set(key, prompt(100));
    memory.get('a');
    memory.set('d', prompt(100));
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((key) => memory.get(key) !== undefined),
      [true, false, true, true],
    );
    memory.set('d', prompt(50));
    assert.equal(memory.samples, 250);
    memory.set('e', prompt(1000));
    assert.equal(memory.samples, 0);
  });
});

describe('AudioThread', () => {
  const script = (body: string): URL =>
    new URL(
      `data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads';${body}`)}`,
    );
  const job = (text: string) => ({ do: 'speak', text, voice: 'kal' }) as const;
  const answer =
    'parentPort.postMessage({ ok: true, pcmu: new Uint8Array(1), pcma: new Uint8Array(1), wav: null })';

  it('ends a job at its deadline and goes on with the next', TIMEOUT, async () => {
    const hangs = script(`parentPort.on('message', (job) => { while (job.text === 'hang'); ${answer}; });`);
    const thread = new AudioThread({ script: hangs, deadlineMs: 2000 });
    const hung = assert.rejects(thread.run(job('hang')), failsWith('bad-audio', /longer than 2000 ms/));
    assert.equal((await thread.run(job('next'))).pcmu.length, 1);
    await hung;
    await thread.close();
  });

  it('takes a job up again in a new thread when the thread dies, once', TIMEOUT, async () => {
    const dies = script(
      `parentPort.on('message', (job) => { if (job.text === 'die') process.exit(1); ${answer}; });`,
    );
    const thread = new AudioThread({ script: dies });
    const died = assert.rejects(thread.run(job('die')), failsWith('bad-audio', /ended its thread twice/));
    assert.equal((await thread.run(job('next'))).pcmu.length, 1);
    await died;
    await thread.close();
  });

  it('bounds what waits', TIMEOUT, async () => {
    const thread = new AudioThread({ script: script(`parentPort.on('message', () => {});`), maxWaiting: 2 });
    const waiting = Promise.allSettled([1, 2, 3].map((n) => thread.run(job(`${n}`))));
    await assert.rejects(thread.run(job('4')), failsWith('bad-audio', /too many/));
    await thread.close();
    assert.deepEqual(
      (await waiting).map((result) => result.status),
      ['rejected', 'rejected', 'rejected'],
    );
  });
});
