import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ipToBytes, parseCidr, parseIp } from '../../base/ip/index.ts';
import {
  arrivingProgram,
  blockKey,
  hopValue,
  learningProgram,
  leavingProgram,
  MAPS,
  STATE_KEY,
  stateValue,
} from '../../core/fast-path/index.ts';
import { openBpf } from './kernel.ts';
import type { Bpf, BpfMap, LoadedProgram } from './port.ts';
import { runProgram } from './run.test-support.ts';
import type { PacketContext } from './run.test-support.ts';

/** TC_ACT_UNSPEC and TC_ACT_REDIRECT. */
const [PASS, REDIRECT] = [-1, 7];
const MARK = 0x10000000;
const GENERATION = 7;
/** lo, whose address is all zeros. */
const LINK = 1;
const OUT = 12;
const FOR_EVER = 2n ** 62n;
const ENDS = { 4: ['10.244.1.2', '10.244.2.2'], 6: ['fd00:10:244:1::2', 'fd00:10:244:2::2'] } as const;
const BLOCKS = { 4: '10.244.2.0/24', 6: 'fd00:10:244:2::/64' } as const;
const VIAS = { 4: '172.30.1.12', 6: 'fd00:30:1::12' } as const;
const PORTS = [0x9c, 0x40, 0x23, 0x28];
const FAMILIES = [4, 6] as const;
type Family = (typeof FAMILIES)[number];
const WRAPPING = {
  link: OUT,
  own: parseIp('172.30.1.11')!,
  peer: parseIp('172.30.1.12')!,
  vni: 4096,
  port: 4789,
  ownMac: '66:00:00:00:00:01',
  peerMac: '66:00:00:00:00:02',
  mtu: 1500,
};

let bpf: Bpf;
let maps: Map<string, BpfMap>;
beforeEach(() => {
  bpf = openBpf();
  maps = new Map(Object.values(MAPS).map((spec) => [spec.name, bpf.createMap(spec)]));
  map('state').set(STATE_KEY, stateValue(GENERATION, true));
});
afterEach(() => bpf[Symbol.dispose]());

const map = (name: keyof typeof MAPS): BpfMap => maps.get(MAPS[name].name)!;
const load = (program: ReturnType<typeof leavingProgram>): LoadedProgram => bpf.load(program, maps);

/** Fields of a packet that a test may change. */
interface Packet {
  readonly family?: Family;
  readonly hops?: number;
  readonly flags?: number;
  readonly tos?: number;
  readonly protocol?: number;
  readonly fragment?: number;
  readonly options?: boolean;
  readonly source?: string;
  readonly sourcePort?: number;
  readonly data?: number;
  readonly to?: readonly number[];
  readonly tag?: boolean;
}

/** An Ethernet frame with a segment of TCP. */
function frame(packet: Packet = {}): Uint8Array<ArrayBuffer> {
  const {
    family = 4,
    hops = 64,
    flags = 0x10,
    tos = 0,
    protocol = 6,
    fragment = 0,
    options = false,
    data = 100,
  } = packet;
  const { source = ENDS[family][0], sourcePort = 0x9c, to = [0, 0, 0, 0, 0, 0], tag = false } = packet;
  const [, ...ports] = PORTS;
  const tcp = [
    sourcePort,
    ...ports,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    1,
    0x50,
    flags,
    1,
    0,
    0,
    0,
    0,
    0,
    ...Array<number>(data).fill(7),
  ];
  const addresses = [parseIp(source)!, parseIp(ENDS[family][1])!].flatMap((ip) => [...ipToBytes(ip)]);
  const six = [
    0x60 | (tos >> 4),
    (tos & 15) << 4,
    0,
    0,
    tcp.length >> 8,
    tcp.length & 255,
    protocol,
    hops,
    ...addresses,
  ];
  const length = 20 + tcp.length + (options ? 4 : 0);
  const head = [length >> 8, length & 255, 0, 1, fragment >> 8, fragment & 255, hops, protocol, 0, 0];
  const four = [options ? 0x46 : 0x45, tos, ...head, ...addresses, ...(options ? [1, 1, 1, 0] : [])];
  const sum = checksum(four);
  four.splice(10, 2, sum >> 8, sum & 255);
  const type = family === 4 ? [8, 0] : [0x86, 0xdd];
  const tagged = tag ? [0x81, 0, 0, 5, ...type] : type;
  return Uint8Array.from([...to, 2, 0, 0, 0, 0, 1, ...tagged, ...(family === 4 ? four : six), ...tcp]);
}

/** Of the Internet: 0 over a header that has its own. */
function checksum(bytes: Iterable<number>): number {
  const all = [...bytes];
  let sum = 0;
  for (let i = 0; i < all.length; i += 2) sum += (all[i]! << 8) + all[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

function knownKey(family: Family, link = LINK): Uint8Array<ArrayBuffer> {
  const ends = ENDS[family].flatMap((text) => [
    ...(family === 4 ? [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] : []),
    ...ipToBytes(parseIp(text)!),
  ]);
  return Uint8Array.from([link, 0, 0, 0, ...ends, ...PORTS]);
}

function value(until = FOR_EVER, generation = GENERATION): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(32));
  view.setBigUint64(0, until, true);
  view.setUint32(8, generation, true);
  view.setUint32(12, OUT, true);
  const macs = [2, 0, 0, 0, 0, 9, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee];
  for (const [i, byte] of macs.entries()) view.setUint8(16 + i, byte);
  return new Uint8Array(view.buffer);
}

const tunnelKey = Uint8Array.from([172, 30, 1, 12, 0x12, 0xb5, 0, 0]);

/** Knows the connection, and the block that it leads to. */
function knows(family: Family, wrapping?: typeof WRAPPING, known = value()): void {
  map('known').set(knownKey(family), known);
  const via = parseIp(VIAS[family])!;
  map('hops').set(
    blockKey(parseCidr(BLOCKS[family])!),
    hopValue({ via, ...(wrapping === undefined ? {} : { wrapping }) }),
  );
}

/** What goes the usual way, although the connection is known. */
const ODD: readonly (readonly [string, Packet])[] = [
  ['that begins a connection', { flags: 0x12 }],
  ['that ends one', { flags: 0x11 }],
  ['that resets one', { flags: 0x14 }],
  ['whose hops are used up', { hops: 1 }],
  ['without hops', { hops: 0 }],
  ['of another protocol', { protocol: 17 }],
  ['from another address', { source: '10.244.1.3' }],
  ['from another port', { sourcePort: 0x9d }],
  ['for another machine', { to: [2, 0, 0, 0, 0, 0xff] }],
  ['of another network by its tag', { tag: true }],
  ['with more fragments behind it', { fragment: 0x2000 }],
  ['from the middle of a packet', { fragment: 3 }],
  ['with options', { options: true }],
];
const ODD6 = ODD.slice(0, 10).map(
  ([name, packet]) => [name, { ...packet, family: 6, ...(packet.source && { source: 'fd00:10:244:1::3' }) }] as const,
);

describe.each(FAMILIES)('what leaves a pod over IPv%i', (family) => {
  const at = family === 4 ? 22 : 21;
  const run = (packet: Uint8Array, context?: PacketContext) => runProgram(load(leavingProgram()), packet, context);

  it('is sent on with one hop less, and else as it is', () => {
    knows(family);
    const before = frame({ family });
    const { answer, frame: after } = run(before);
    expect(answer).toBe(REDIRECT);
    expect(after[at]).toBe(63);
    if (family === 4) expect(checksum(after.subarray(14, 34))).toBe(0);
    const changed = [...after.keys()].filter((i) => after[i] !== before[i]);
    expect(changed.filter((i) => i !== at && (family === 6 || ![24, 25].includes(i)))).toEqual([]);
  });

  it.each(Array.from({ length: 64 }, (_, i) => i * 4 + 2))('has the right checksum with %i hops', (hops) => {
    knows(family);
    const { answer, frame: after } = run(frame({ family, hops, tos: hops ^ 0xa5 }));
    expect([answer, after[at]]).toEqual([REDIRECT, hops - 1]);
    if (family === 4) expect(checksum(after.subarray(14, 34))).toBe(0);
  });

  it.each(family === 4 ? ODD : ODD6)('goes the usual way as it is: a packet %s', (_, packet) => {
    knows(family);
    const before = frame(packet);
    expect(run(before)).toEqual({ answer: PASS, frame: before });
  });

  it.each([
    ['is known of another link only', () => map('known').delete(knownKey(family))],
    ['was learnt before something changed', () => map('state').set(STATE_KEY, stateValue(GENERATION + 1, true))],
    ['was learnt too long ago', () => map('known').set(knownKey(family), value(1n))],
    ['leads to no block', () => map('hops').delete(blockKey(parseCidr(BLOCKS[family])!))],
  ])('goes the usual way if its connection %s', (_, change) => {
    knows(family);
    map('known').set(knownKey(family, 2), value());
    change();
    expect(run(frame({ family })).answer).toBe(PASS);
  });

  it('is wrapped for a tunnel that packets left by', () => {
    knows(family, WRAPPING);
    map('tunnels').set(tunnelKey, value().slice(0, 16));
    const before = frame({ family, data: 1000 });
    const { answer, frame: after } = run(before);
    expect(answer).toBe(REDIRECT);
    const plain = run(before.with(0, 0)).frame.subarray(64);
    expect(after.length).toBe(before.length + 50);
    const view = new DataView(after.buffer);
    expect(checksum(after.subarray(14, 34))).toBe(0);
    // Version and length, TOS; whole; 64 hops, UDP.
    expect([view.getUint16(14), view.getUint16(20), view.getUint16(22)]).toEqual([0x4500, 0x4000, 0x4011]);
    expect(view.getUint16(16)).toBe(after.length - 14);
    expect([...after.subarray(26, 34)]).toEqual([172, 30, 1, 11, 172, 30, 1, 12]);
    expect(view.getUint16(34)).toBeGreaterThanOrEqual(49_152);
    expect([view.getUint16(36), view.getUint16(38), view.getUint16(40)]).toEqual([4789, after.length - 34, 0]);
    expect([view.getUint32(42), view.getUint32(46)]).toEqual([0x08000000, 4096 << 8]);
    expect(after.subarray(50, 62).toHex()).toBe('660000000002660000000001');
    expect(after.subarray(62, 64).toHex()).toBe(family === 4 ? '0800' : '86dd');
    // The packet itself, with a hop less.
    expect(after.subarray(64)).toEqual(plain);
    expect(after[50 + at]).toBe(63);
  });

  it.each([
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 2],
    [0xb9, 1],
  ])('with TOS %i, around it is %i', (tos, outer) => {
    knows(family, WRAPPING);
    map('tunnels').set(tunnelKey, value().slice(0, 16));
    const { frame: after } = run(frame({ family, tos }));
    expect([after[15], checksum(after.subarray(14, 34))]).toEqual([outer, 0]);
  });

  it.each<[string, () => PacketContext | undefined, number]>([
    ['for a tunnel that nothing has left by', () => (map('tunnels').delete(tunnelKey), undefined), 100],
    [
      'for one that is of before',
      () => (map('tunnels').set(tunnelKey, value(FOR_EVER, 6).slice(0, 16)), undefined),
      100,
    ],
    ['for one that was long ago', () => (map('tunnels').set(tunnelKey, value(1n).slice(0, 16)), undefined), 100],
    ['where it would be too long', () => undefined, 1451 - (family === 4 ? 40 : 60)],
  ])('is left to the device of the tunnel %s', (_, change, data) => {
    knows(family, WRAPPING);
    map('tunnels').set(tunnelKey, value().slice(0, 16));
    const context = change();
    const before = frame({ family, data });
    const { answer, frame: after } = run(before, context);
    expect([answer, after.length, after[at]]).toEqual([REDIRECT, before.length, 63]);
  });

  it('is wrapped as long as the device takes it', () => {
    knows(family, WRAPPING);
    map('tunnels').set(tunnelKey, value().slice(0, 16));
    const { frame: after } = run(frame({ family, data: 1450 - (family === 4 ? 40 : 60) }));
    expect(after.length).toBe(1514);
  });
});

describe.each(FAMILIES)('what comes for a pod over IPv%i', (family) => {
  const at = family === 4 ? 22 : 21;
  const run = (packet: Uint8Array) => runProgram(load(arrivingProgram()), packet);

  it('gets the hardware addresses that it leaves with, and one hop less', () => {
    map('known').set(knownKey(family), value());
    const { answer, frame: after } = run(frame({ family }));
    expect(answer).toBe(REDIRECT);
    expect(after.subarray(0, 12).toHex()).toBe('020000000009eeeeeeeeeeee');
    expect(after[at]).toBe(63);
    if (family === 4) expect(checksum(after.subarray(14, 34))).toBe(0);
  });

  it.each(family === 4 ? ODD : ODD6)('goes the usual way as it is: a packet %s', (_, packet) => {
    map('known').set(knownKey(family), value());
    const before = frame(packet);
    expect(run(before)).toEqual({ answer: PASS, frame: before });
  });
});

describe('learning', () => {
  const run = (packet: Uint8Array, context: PacketContext) => runProgram(load(learningProgram(MARK)), packet, context);
  const marked = { mark: MARK | 1, comesFrom: 5, link: LINK };

  it.each(FAMILIES)('keeps where a connection of IPv%i comes from and goes on', (family) => {
    const packet = frame({ family, to: [2, 0, 0, 0, 0, 9] });
    expect(run(packet, marked)).toEqual({ answer: PASS, frame: packet });
    const key = knownKey(family, 5);
    expect(map('known').keys()).toEqual([key]);
    const learnt = map('known').get(key)!;
    const view = new DataView(learnt.buffer);
    expect([view.getUint32(8, true), view.getUint32(12, true)]).toEqual([GENERATION, LINK]);
    expect(learnt.subarray(16, 28)).toEqual(packet.subarray(0, 12));
    // Half a minute from now, by the clock that stands while the machine sleeps.
    const left = view.getBigUint64(0, true) - process.hrtime.bigint();
    expect(left > 0n && left <= 30_000_000_000n).toBe(true);
    expect(map('tunnels').keys()).toEqual([]);
  });

  it.each<[string, Packet, PacketContext]>([
    ['without the mark', {}, { ...marked, mark: 0x20000001 }],
    ['that ends a connection', { flags: 0x11 }, marked],
    ['with a tag', { tag: true }, marked],
    ['that is a fragment', { fragment: 0x2000 }, marked],
  ])('is not of a packet %s', (_, packet, context) => {
    run(frame(packet), context);
    expect([...map('known').keys(), ...map('tunnels').keys()]).toEqual([]);
  });

  it('is not while it is switched off', () => {
    map('state').set(STATE_KEY, stateValue(GENERATION, false));
    run(frame(), marked);
    expect(map('known').keys()).toEqual([]);
  });

  it('keeps the tunnel that a packet is wrapped for', () => {
    knows(4, WRAPPING);
    map('tunnels').set(tunnelKey, value().slice(0, 16));
    const { frame: wrapped } = runProgram(load(leavingProgram()), frame());
    map('tunnels').delete(tunnelKey);
    map('known').delete(knownKey(4));
    run(wrapped, marked);
    expect(map('tunnels').keys()).toEqual([tunnelKey]);
    expect(new DataView(map('tunnels').get(tunnelKey)!.buffer).getUint32(8, true)).toBe(GENERATION);
    expect(map('known').keys()).toEqual([]);
  });
});
