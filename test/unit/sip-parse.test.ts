import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  listValues,
  parseCSeq,
  parseNameAddr,
  parseParams,
  parseVia,
  splitOutside,
} from '../../server/sip/embedded/header-values.js';
import { headerValue, headerValues } from '../../server/sip/embedded/message.js';
import { parseMessage } from '../../server/sip/embedded/parse-message.js';
import { serialize } from '../../server/sip/embedded/serialize.js';
import { TcpFramer } from '../../server/sip/embedded/tcp-framer.js';
import { parseSipUri, uriScheme } from '../../server/sip/embedded/uri.js';

const parse = (text: string | Buffer, headers = 200) => {
  const data = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
  return parseMessage(data, { headers });
};

function parsed(text: string) {
  const result = parse(text);
  assert.ok(result);
  return result;
}

const faultOf = (text: string) => parsed(text).fault?.reason;

describe('message parser', () => {
  it('reads compact names, folded lines and any case', () => {
    const { message, fault } = parsed(
      'INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h\r\nF :  one\r\n two\r\n\tthree\r\ncall-id:x\r\nX-Mine: y\r\nL: 0\r\n\r\n',
    );
    assert.equal(fault, undefined);
    assert.deepEqual(
      message.headers.map(({ name, value }) => `${name}=${value}`),
      ['Via=SIP/2.0/UDP h', 'From=one two three', 'Call-ID=x', 'X-Mine=y', 'Content-Length=0'],
    );
  });

  it('keeps bytes as they came, UTF-8 included', () => {
    const text = 'MESSAGE sip:a@b SIP/2.0\r\nSubject: größe ✓\r\nContent-Length: 4\r\n\r\n\u00e9✓'.slice(
      0,
      -1,
    );
    const data = Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0, 255, 128, 10])]);
    const { message } = parse(data) ?? assert.fail();
    assert.deepEqual([...message.body], [0, 255, 128, 10]);
    assert.ok(serialize(message).includes(Buffer.from('größe ✓', 'utf8')));
  });

  it('cuts the body at Content-Length, and takes all without it', () => {
    assert.equal(parsed('A sip:b SIP/2.0\r\nl: 2\r\n\r\nabcd').message.body.toString(), 'ab');
    assert.equal(parsed('A sip:b SIP/2.0\r\nX: y\r\n\r\nabcd').message.body.toString(), 'abcd');
  });

  it('finds what is wrong, and still tells the header fields', () => {
    const start = 'A sip:b SIP/2.0\r\n';
    assert.equal(faultOf(`${start}l: 1\r\nl: 1\r\n\r\na`), 'Multiple Content-Length');
    assert.equal(faultOf(`${start}l: 9\r\n\r\na`), 'Content-Length Exceeds Message');
    assert.equal(faultOf(`${start}l: +1\r\n\r\na`), 'Invalid Content-Length');
    assert.equal(faultOf(`${start}no colon\r\n\r\n`), 'Malformed Header Field');
    assert.equal(faultOf(`${start}: empty\r\n\r\n`), 'Malformed Header Field');
    assert.equal(faultOf(`${start}X: nul\0\r\n\r\n`), 'Malformed Header Field');
    assert.equal(faultOf(`${start}X: lone\rreturn\r\n\r\n`), 'Malformed Header Field');
    assert.equal(faultOf(`${start}X: escaped \\\0 \\\x07\r\n\r\n`), undefined);
    assert.equal(faultOf(`${start}X: no end\r\n`), 'Missing End Of Header');
    assert.equal(faultOf('A  sip:b SIP/2.0\r\nX: y\r\n\r\n'), 'Malformed Request Line');
    assert.equal(faultOf('A sip:b SIP/2.0 \r\nX: y\r\n\r\n'), 'Malformed Request Line');
    assert.equal(faultOf('A sip:b SIP/3.0\r\nX: y\r\n\r\n'), 'Version Not Supported');
    assert.equal(headerValue(parsed('A sip:b SIP/3.0\r\nZ: y\r\n\r\n').message.headers, 'z'), 'y');
  });

  it('recognises nothing in noise', () => {
    for (const text of [
      '',
      '\r\n',
      'hello',
      'SIP/2.0 99 x\r\n\r\n',
      'SIP/2.0 4294967301 x\r\n\r\n',
      'A\r\n\r\n',
      '\0\0 \r\n\r\n',
    ]) {
      assert.equal(parse(text), undefined, JSON.stringify(text));
    }
  });

  it('limits the number of header fields', () => {
    const many = `A sip:b SIP/2.0\r\n${'X: y\r\n'.repeat(11)}\r\n`;
    assert.equal(parse(many, 10)?.fault?.reason, 'Too Many Header Fields');
    assert.equal(parse(many, 11)?.fault, undefined);
  });

  it('takes time in proportion to the length, whatever the bytes', () => {
    const size = 60_000;
    const fill = (unit: string) => unit.repeat(Math.ceil(size / unit.length));
    const values = [' ', ';', ',', '"', '\\"', '<', '>', ';a=', '; ', '=,', 'a ', '@', ':', '%', '\t'].map(
      fill,
    );
    const started = performance.now();
    for (const value of values) {
      parse(`A sip:b SIP/2.0\r\nX:${value}y\r\n\r\n`);
      parse(`A ${value} SIP/2.0\r\nX: y\r\n\r\n`);
      parse(`A sip:b SIP/2.0\r\n${value}\r\n\r\n`);
      for (const read of [parseNameAddr, parseVia, parseCSeq, parseParams, parseSipUri, uriScheme])
        read(value);
      parseVia(`SIP/2.0/UDP ${value}`);
      parseSipUri(`sip:${value}`);
      parseNameAddr(`"${value}" <${value}>${value}`);
      listValues([value]);
      splitOutside(value, ',');
      new TcpFramer(65_535).push(Buffer.from(`A sip:b SIP/2.0\r\n${value}\r\nl:${value}\r\n\r\n`));
    }
    assert.ok(performance.now() - started < 2000, `${performance.now() - started} ms`);
  });
});

describe('header values', () => {
  it('splits lists outside quotes and brackets', () => {
    assert.deepEqual(splitOutside('a, "b,\\",c" <sip:d,e>, f', ','), ['a', '"b,\\",c" <sip:d,e>', 'f']);
    assert.equal(splitOutside('"open, b', ','), undefined);
    assert.equal(splitOutside('a, <open', ','), undefined);
    assert.deepEqual(listValues(['a, b', '', 'c']), ['a', 'b', 'c']);
  });

  it('reads name-addr and addr-spec', () => {
    const named = parseNameAddr('"A \\"B\\" <x>" <sip:a@b;p=1>;Tag = t ; q');
    assert.equal(named?.uri, 'sip:a@b;p=1');
    assert.deepEqual(
      [...(named?.params ?? [])],
      [
        ['tag', 't'],
        ['q', ''],
      ],
    );
    const plain = parseNameAddr('sip:a@b;tag=t');
    assert.deepEqual([plain?.uri, plain?.params.get('tag')], ['sip:a@b', 't']);
    for (const broken of [
      '',
      '"open <sip:a@b>',
      '<sip:a@b',
      '<>',
      'sip:a@b?X=y',
      '"a" sip:b',
      '<sip:a b>',
      'a<sip:b>x',
    ]) {
      assert.equal(parseNameAddr(broken), undefined, broken);
    }
  });

  it('reads Via with white space, and IPv6', () => {
    const via = parseVia('SIP / 2.0 / udp  host.example.com : 5070 ; branch = z9hG4bKx;rport');
    assert.deepEqual([via?.protocol, via?.host, via?.port], ['UDP', 'host.example.com', 5070]);
    assert.deepEqual([via?.params.get('branch'), via?.params.get('rport')], ['z9hG4bKx', '']);
    assert.equal(parseVia('SIP/2.0/TCP [2001:db8::1]:5061;branch=x')?.host, '[2001:db8::1]');
    for (const broken of [
      '',
      'SIP/2.0/UDP',
      'SIP/7.0/UDP h',
      'SIP/2.0/UDP h:99999',
      'SIP/2.0/UDP h;;',
      'SIP/2.0/UDP h:0',
    ]) {
      assert.equal(parseVia(broken), undefined, broken);
    }
  });

  it('reads CSeq below 2^31', () => {
    assert.deepEqual(parseCSeq('0009 \t INVITE'), { number: 9, method: 'INVITE' });
    assert.equal(parseCSeq('2147483647 A')?.number, 2_147_483_647);
    for (const broken of ['', '1', 'A 1', '-1 A', '2147483648 A', '36893488147419103232 A', '1 A B']) {
      assert.equal(parseCSeq(broken), undefined, broken);
    }
  });

  it('reads URIs: user parts with anything, IPv6, transport, lr', () => {
    const uri = parseSipUri('sip:user;par=u%40e?x@example.com:5070;TRANSPORT=Tcp;lr?Subject=a');
    assert.deepEqual(uri, {
      scheme: 'sip',
      host: 'example.com',
      port: 5070,
      transport: 'tcp',
      looseRoute: true,
      headers: true,
    });
    assert.equal(parseSipUri('sip:[::1]:5060')?.host, '[::1]');
    for (const broken of [
      '',
      'sip:',
      'sip:@',
      'sip:a@b:0',
      'sip:a@b c',
      'tel:123',
      'sip:a@b:port',
      'mailto:a@b',
    ]) {
      assert.equal(parseSipUri(broken), undefined, broken);
    }
  });
});

describe('TCP framer', () => {
  const one = 'A sip:b SIP/2.0\r\nContent-Length : \r\n 3\r\n\r\nabc';
  const two = 'B sip:b SIP/2.0\r\nl:0\r\n\r\n';

  it('finds the same messages however the stream is cut', () => {
    const stream = Buffer.from(`\r\n${one}${two}\r\n\r\n${one}`);
    for (let size = 1; size <= stream.length; size++) {
      const framer = new TcpFramer(1000);
      const frames: string[] = [];
      for (let at = 0; at < stream.length; at += size) {
        for (const frame of framer.push(stream.subarray(at, at + size))) {
          frames.push(frame.kind === 'message' ? frame.data.toString() : frame.kind);
        }
      }
      assert.deepEqual(frames, [one, two, 'ping', one], `cut every ${size} bytes`);
      assert.equal(framer.partial, false);
    }
  });

  it('gives up when a message cannot be measured, and reads nothing after it', () => {
    for (const broken of [
      'A sip:b SIP/2.0\r\n\r\n',
      'A\r\nl: x\r\n\r\n',
      'A\r\nl: 1\r\nl: 1\r\n\r\na',
      'A\r\nl: 999\r\n\r\n',
      'x'.repeat(101),
    ]) {
      const framer = new TcpFramer(100);
      const frames = framer.push(Buffer.from(`${broken}${two}`));
      assert.deepEqual(
        frames.map(({ kind }) => kind),
        ['broken'],
        JSON.stringify(broken),
      );
      assert.deepEqual(framer.push(Buffer.from(two)), []);
    }
  });

  it('tells that part of a message waits', () => {
    const framer = new TcpFramer(1000);
    framer.push(Buffer.from('\r\n'));
    assert.equal(framer.partial, false);
    framer.push(Buffer.from('INVITE'));
    assert.equal(framer.partial, true);
  });
});

describe('header access', () => {
  it('gives the first value, or all', () => {
    const { headers } = parsed('A sip:b SIP/2.0\r\nm: one\r\nContact: two\r\n\r\n').message;
    assert.equal(headerValue(headers, 'contact'), 'one');
    assert.deepEqual(headerValues(headers, 'contact'), ['one', 'two']);
    assert.equal(headerValue(headers, 'via'), undefined);
  });
});
