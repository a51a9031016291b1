import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { DTMF_PAD } from '../../media/codec/dtmf-tones.js';
import { levelOf } from '../../media/codec/level.js';
import { readWav } from '../../media/codec/wav.js';
import { MediaError } from '../../media/media-server.js';
import { loadFlite, type Synthesizer, VOICES } from '../../media/prompts/flite.js';
import { renderLoop } from '../../media/prompts/loops.js';
import { normaliseSpeech } from '../../media/prompts/normalise.js';
import { MAX_TEXT_LENGTH, speakable } from '../../media/prompts/speech-text.js';
import { clamp, hear, keySignal, throughA, throughMu, whiteNoise } from './codec-dtmf-signal.js';

const PASSAGES = [
  'Welcome to the payment line. Please enter your sixteen digit card number, followed by the hash key.',
  'One, two, three, four, five, six, seven, eight, nine, zero, star, pound, A, B, C, D.',
  'Eee. Ooo. Aah. Mmm. See the green trees; who knew the moon was blue? Nine brown cows now allow a sound.',
  'The committee that oversees the seven regional offices has decided to move the deadline to next Tuesday.',
  'You are about to pay forty nine dollars and ninety cents. To confirm, press one. To cancel, press star.',
  'In the beginning we measured every frequency between three hundred and three thousand four hundred hertz.',
];

let flite: Synthesizer;

before(async () => {
  flite = await loadFlite();
});

const speak = async (text: string, voice: (typeof VOICES)[number] = 'kal'): Promise<Int16Array> =>
  readWav(await flite(text, voice), voice);

describe('speech', () => {
  it('is spoken by every voice', { timeout: 60_000 }, async () => {
    for (const voice of VOICES) {
      const seconds = (await speak('Please enter your card number.', voice)).length / 8000;
      assert.ok(seconds > 1 && seconds < 4, `${voice}: ${seconds} s`);
    }
  });

  it('never takes a text for an option', { timeout: 60_000 }, async () => {
    for (const text of [
      '--help',
      '-lv',
      '-voice rms',
      '-t',
      '-o /out/other.wav',
      '/etc/passwd',
      '--seti a=1',
    ]) {
      assert.ok((await speak(speakable(text))).length > 4000, text);
    }
  });

  it('comes at -19 dBm0, unclipped, with little silence around it', { timeout: 60_000 }, async () => {
    for (const text of PASSAGES) {
      const pcm = normaliseSpeech(await speak(text));
      const loud = pcm.filter((_, i) => {
        const frame = Math.floor(i / 160) * 160;
        return levelOf(pcm.subarray(frame, frame + 160)) > -44;
      });
      assert.ok(Math.abs(levelOf(loud) + 19) < 1.5, `${levelOf(loud)} dBm0`);
      assert.ok(Math.max(...pcm.map(Math.abs)) <= 30000);
      assert.ok(levelOf(pcm.subarray(320, 800)) > -60, 'silence at the start');
    }
  });

  it('leaves silence alone', () => {
    assert.deepEqual(normaliseSpeech(new Int16Array(400)), new Int16Array(400));
    assert.equal(normaliseSpeech(new Int16Array(0)).length, 0);
  });
});

describe('speakable', () => {
  it('leaves printable ASCII and takes off what flite cannot say', () => {
    assert.equal(speakable('  Pay $49.90\n\tnow? '), 'Pay $49.90 now?');
    assert.equal(
      speakable('\u201cCaf\u00e9\u201d \u2014 it\u2019s na\u00efve\u2026'),
      '"Cafe" - it\'s naive...',
    );
    assert.equal(speakable('a\u0000b\u001b[31mc\u202ed\u{1f600}e'), 'a b [31mc d e');
  });

  it('refuses what is too long or says nothing, without quoting it', () => {
    assert.equal(speakable('x'.repeat(MAX_TEXT_LENGTH)).length, MAX_TEXT_LENGTH);
    for (const text of [`4242 ${'x'.repeat(MAX_TEXT_LENGTH)}`, '', ' \n', '...!', '\u4f60\u597d']) {
      assert.throws(
        () => speakable(text),
        (error) =>
          error instanceof MediaError && error.code === 'bad-audio' && !error.message.includes('4242'),
      );
    }
  });
});

describe('what the in-band detector meets besides keys', () => {
  const quiet = (pcm: Int16Array, what: string): void => {
    for (const line of [throughMu, throughA]) {
      const heard = hear(line(pcm));
      assert.equal(heard.keys + heard.downKeys, '', what);
    }
  };

  it('minutes of speech, without a key', { timeout: 120_000 }, async () => {
    let seconds = 0;
    for (const voice of ['kal', 'rms', 'slt'] as const) {
      for (const text of PASSAGES) {
        const pcm = normaliseSpeech(await speak(text, voice));
        // Read at other rates, the same voice is lower or higher, slower or faster.
        for (const step of [0.8, 0.9, 1, 1.1, 1.2]) {
          const talker = Int16Array.from(
            { length: Math.floor(pcm.length / step) },
            (_, i) => pcm[Math.floor(i * step)] as number,
          );
          seconds += talker.length / 8000;
          quiet(talker, `${voice} x ${step}: ${text}`);
        }
      }
    }
    assert.ok(seconds > 300, `${seconds} s`);
  });

  it('the echo of a prompt, 20 dB down, which must not hide keys either', { timeout: 60_000 }, async () => {
    const echo = normaliseSpeech(await speak(PASSAGES.join(' '))).map((sample) => sample / 10);
    const keys = DTMF_PAD.repeat(8);
    for (const level of [-7, -20]) {
      const { pcm } = keySignal(keys, { background: echo, noise: -50, row: level, column: level });
      for (const line of [throughMu, throughA]) assert.equal(hear(line(pcm)).keys, keys);
    }
  });

  it('hold music, ringback and the comfort tone, without a key, around their ends too', () => {
    for (const loop of ['hold-music', 'ringback', 'comfort-tone'] as const) {
      const round = renderLoop(loop);
      const twice = new Int16Array(round.length * 2);
      twice.set(round);
      twice.set(round, round.length);
      for (const gain of [1, 3]) quiet(clamp(Float64Array.from(twice, (x) => x * gain)), loop);
    }
  });

  it('silence, noise, and tones that sweep, without a key', () => {
    quiet(new Int16Array(80_000), 'silence');
    for (const level of [-50, -30, -10]) quiet(clamp(whiteNoise(80_000, level)), `noise ${level}`);
    for (const rate of [20, 100, 500, 3000]) {
      const sweep = Int16Array.from({ length: (8000 * 3400) / rate }, (_, i) => {
        const t = i / 8000;
        return Math.round(12000 * Math.sin(2 * Math.PI * (200 * t + (rate * t * t) / 2)));
      });
      quiet(sweep, `sweep of ${rate} Hz a second`);
    }
  });
});

describe('loops', () => {
  it('are whole packets, join without a click, and have their levels', () => {
    for (const [loop, seconds, level] of [
      ['hold-music', 15.36, -22],
      ['ringback', 5, -23],
      ['comfort-tone', 3, -43],
    ] as const) {
      const pcm = renderLoop(loop);
      assert.equal(pcm.length, seconds * 8000);
      assert.equal(pcm.length % 160, 0);
      assert.ok(Math.abs(levelOf(pcm) - level) < 1, `${loop}: ${levelOf(pcm)} dBm0`);
      const steps = pcm.map((sample, i) => Math.abs(sample - (pcm.at(i - 1) as number)));
      const largest = Math.max(...steps.subarray(1));
      assert.ok((steps[0] as number) <= largest, `${loop}: a click of ${steps[0]} (largest step ${largest})`);
    }
    const music = renderLoop('hold-music');
    // The new notes have not begun to sound in the first millisecond: what is heard are the last ones.
    const [end, start] = [levelOf(music.subarray(-160)), levelOf(music.subarray(0, 8))];
    assert.ok(start > end - 1, `the last notes break off: ${end} dBm0, then ${start} dBm0`);
  });

  it('are the same in every process', () => {
    assert.deepEqual(renderLoop('comfort-tone'), renderLoop('comfort-tone'));
  });
});
