import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePcma, encodePcmu } from '../../media/codec/g711.js';
import { levelOf } from '../../media/codec/level.js';
import { readWav, writeWav } from '../../media/codec/wav.js';
import { MediaError } from '../../media/media-server.js';

interface Shape {
  tag?: number;
  channels?: number;
  rate?: number;
  bits?: number;
  extra?: readonly number[];
}

function chunk(id: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.write(id, 0, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length & 1)]);
}

function format({ tag = 1, channels = 1, rate = 8000, bits = 16, extra = [] }: Shape): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt16LE(tag, 0);
  body.writeUInt16LE(channels, 2);
  body.writeUInt32LE(rate, 4);
  body.writeUInt32LE((rate * channels * bits) / 8, 8);
  body.writeUInt16LE((channels * bits) / 8, 12);
  body.writeUInt16LE(bits, 14);
  return chunk('fmt ', Buffer.concat([body, Buffer.from(extra)]));
}

function riff(...chunks: Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks]);
  return chunk('RIFF', body);
}

const bytesOf = (pcm: Int16Array): Uint8Array => new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
const wav = (shape: Shape, data: Uint8Array): Buffer => riff(format(shape), chunk('data', data));

function sine(hertz: number, rate: number, seconds = 0.5): Int16Array {
  return Int16Array.from({ length: rate * seconds }, (_, i) =>
    Math.round(10000 * Math.sin((2 * Math.PI * hertz * i) / rate)),
  );
}

/** Level of the middle half, where no filter edge is. */
const middle = (pcm: Int16Array): number => levelOf(pcm.subarray(pcm.length / 4, (pcm.length * 3) / 4));

test('what writeWav writes, readWav reads sample for sample', () => {
  const pcm = Int16Array.of(0, 1, -1, 32767, -32768, 1234);
  assert.deepEqual(readWav(writeWav(pcm), 'x'), pcm);
});

test('8 bits, A-law, mu-law, stereo and extensible files', () => {
  const pcm = sine(440, 8000, 0.1);
  assert.deepEqual([...readWav(wav({ bits: 8 }, Uint8Array.of(0, 128, 255)), 'x')], [-32768, 0, 32512]);
  const laws = [
    wav({ tag: 6, bits: 8 }, encodePcma(pcm)),
    wav({ tag: 7, bits: 8 }, encodePcmu(pcm)),
    wav({ tag: 0xfffe, extra: [22, 0, 16, 0, 4, 0, 0, 0, 1, 0, ...new Array(14).fill(0)] }, bytesOf(pcm)),
  ];
  for (const file of laws) {
    readWav(file, 'x').forEach((sample, i) => {
      assert.ok(Math.abs(sample - (pcm[i] as number)) <= 260);
    });
  }
  assert.deepEqual(
    [...readWav(wav({ channels: 2 }, bytesOf(Int16Array.of(100, 300, -100, -300))), 'x')],
    [200, -200],
  );
});

test('other chunks and padding are passed over', () => {
  const file = riff(
    chunk('LIST', Buffer.from('odd')),
    format({ extra: [0, 0] }),
    chunk('fact', Buffer.alloc(4)),
    chunk('data', bytesOf(Int16Array.of(7, 8))),
    chunk('LIST', Buffer.from('more')),
  );
  assert.deepEqual([...readWav(file, 'x')], [7, 8]);
});

test('other rates become 8 kHz: the right length and level, and no alias', () => {
  for (const rate of [6000, 11025, 16000, 22050, 44100, 48000]) {
    const tone = readWav(wav({ rate }, bytesOf(sine(1000, rate))), 'x');
    assert.ok(Math.abs(tone.length - 4000) <= 1);
    assert.ok(Math.abs(middle(tone) - middle(sine(1000, 8000))) < 0.2, `${rate} Hz: ${middle(tone)} dBm0`);
    const crossings = tone.filter((sample, i) => sample >= 0 && (tone[i - 1] ?? 0) < 0).length;
    assert.ok(Math.abs(crossings - 500) <= 2, `${rate} Hz: ${crossings} periods`);
    if (rate < 11025) continue;
    const above = readWav(wav({ rate }, bytesOf(sine(5000, rate))), 'x');
    assert.ok(middle(above) < -50, `${rate} Hz: 5 kHz left ${middle(above)} dBm0`);
  }
});

test('a bad file is refused with its name and what is wrong', () => {
  const data = chunk('data', Buffer.alloc(4));
  const bad: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.alloc(0), /not a WAV file/],
    [Buffer.from('ID3\x03 this is an MP3 file'), /not a WAV file/],
    [riff(), /no fmt chunk/],
    [riff(format({})), /no data chunk/],
    [riff(data, format({})), /data chunk comes before/],
    [riff(chunk('fmt ', Buffer.alloc(8)), data), /fmt chunk is too short/],
    [riff(format({ tag: 0xfffe }), data), /fmt chunk is too short/],
    [wav({}, Buffer.alloc(100)).subarray(0, 80), /cut off: its data chunk should have 100 bytes/],
    [wav({}, Buffer.alloc(0)), /no samples/],
    [wav({}, Buffer.alloc(3)), /last sample is cut off/],
    [wav({ tag: 3, bits: 32 }, Buffer.alloc(4)), /format 3 is not supported/],
    [wav({ bits: 24 }, Buffer.alloc(6)), /24 bits/],
    [wav({ tag: 7 }, Buffer.alloc(4)), /16 bits .* 8 are/],
    [wav({ channels: 6 }, Buffer.alloc(12)), /6 channels/],
    [wav({ channels: 0 }, Buffer.alloc(12)), /0 channels/],
    [wav({ rate: 0 }, Buffer.alloc(4)), /0 samples per second/],
    [wav({ rate: 200_000 }, Buffer.alloc(4)), /samples per second/],
  ];
  for (const [file, message] of bad) {
    assert.throws(
      () => readWav(file, '/prompts/greeting.wav'),
      (error) =>
        error instanceof MediaError &&
        error.code === 'bad-audio' &&
        error.message.startsWith('/prompts/greeting.wav: ') &&
        message.test(error.message),
      `${message}`,
    );
  }
});

test('no cut of a good file crashes the reader', () => {
  const file = wav({ channels: 2, rate: 16000 }, bytesOf(sine(440, 16000, 0.01)));
  for (let length = 0; length < file.length; length += 1) {
    assert.throws(() => readWav(file.subarray(0, length), 'x'), MediaError);
  }
});
