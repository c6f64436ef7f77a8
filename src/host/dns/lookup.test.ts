import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lookup } from './lookup.ts';

const server = createSocket('udp4');
let servers: readonly string[] = [];

/** Types of records. */
const A = 1;
const AAAA = 28;

/** Records of a type, for 7 s each; NXDOMAIN for names of which there are none, and SERVFAIL for the others. */
const RECORDS: Readonly<Record<string, Readonly<Partial<Record<number, readonly (readonly number[])[]>>>>> = {
  'both.test': {
    [A]: [
      [192, 0, 2, 8],
      [192, 0, 2, 7],
    ],
    [AAAA]: [[0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1]],
  },
  'six.test': { [AAAA]: [[0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1]] },
  'empty.test': {},
};

beforeAll(async () => {
  server.on('message', (query, { address, port }) => server.send(answer(query), port, address));
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  servers = [`127.0.0.1:${server.address().port}`];
});
afterAll(() => server.close());

function answer(query: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (; query[at] !== 0; at += query[at]! + 1) labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!));
  const name = labels.join('.');
  const question = query.subarray(12, at + 5);
  const data = RECORDS[name]?.[query.readUInt16BE(at + 1)] ?? [];
  const code = name === 'broken.test' ? 2 : RECORDS[name] === undefined ? 3 : 0;
  const head = Buffer.from([query[0]!, query[1]!, 0x81, 0x80 | code, 0, 1, 0, data.length, 0, 0, 0, 0]);
  const records = data.map((bytes) =>
    Buffer.from([0xc0, 12, ...question.subarray(-4), 0, 0, 0, 7, 0, bytes.length, ...bytes]),
  );
  return Buffer.concat([head, question, ...records]);
}

it.each([
  ['both.test', { kind: 'found', addresses: ['192.0.2.7', '192.0.2.8'], ttl: 7 }],
  ['six.test', { kind: 'found', addresses: ['2001:db8::1'], ttl: 7 }],
  ['empty.test', { kind: 'absent' }],
  ['nobody.test', { kind: 'absent' }],
  ['broken.test', { kind: 'failed' }],
])('what %s stands for is asked of the name servers that are given', async (name, expected) => {
  expect(await lookup(name, servers)).toMatchObject(expected);
});
