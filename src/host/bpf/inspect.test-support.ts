import koffi from 'koffi';
import { formatIp, ipFromBytes } from '../../base/ip/index.ts';
import { MAPS, PREFIX } from '../../core/fast-path/index.ts';
import { expectSuccess } from '../errno.ts';
import { bpf, close } from '../libc.ts';
import { openNetlink } from '../netlink/kernel.ts';
import { inNetns } from '../netns/netns.ts';
import { KernelMap, openBpf } from './kernel.ts';

/** A connection that the fast path of a node knows, in one direction. */
export interface KnownConnection {
  /** Names of the links that its packets come in by and leave by. */
  readonly from: string;
  readonly by: string;
  readonly source: string;
  readonly destination: string;
  /** As they stand in a packet. */
  readonly ports: Uint8Array;
}

/** The fast path of a network namespace, as the kernel has it. */
export interface FastPathFound {
  /** What counts of what it knows. */
  readonly known: readonly KnownConnection[];
  /** Blocks of other nodes, as text. */
  readonly blocks: readonly string[];
  /** Names of links with programs of its. */
  readonly links: readonly string[];
  /** How many tunnels it wraps packets for. */
  readonly tunnels: number;
}

const COMMAND = { mapById: 14, programById: 13, info: 15, query: 16 } as const;
const EGRESS = 47;

/** What is in force in a network namespace; `forget`: and takes all connections out. */
export function findFastPath(netns: string, forget = false): FastPathFound {
  using native = openBpf({ netns });
  return inNetns(netns, () => {
    using netlink = openNetlink();
    const names = new Map(netlink.links().map(({ index, name }) => [index, name]));
    const links = [...names].filter(([index]) =>
      (['ingress', 'egress'] as const).some((direction) =>
        native.attached(index, direction).some((name) => name.startsWith(PREFIX)),
      ),
    );
    const [program] = links.flatMap(([index]) => programsOf(index));
    if (program === undefined) return { known: [], blocks: [], links: [], tunnels: 0 };
    using maps = mapsOf(program);
    const [known, state] = [maps.of(MAPS.known.name), maps.of(MAPS.state.name)];
    if (forget) for (const key of known.keys()) known.delete(key);
    // Only what sends packets from pods leads to blocks.
    using leading = mapsOf(links.flatMap(([index]) => programsOf(index, 46)).at(-1) ?? program);
    return {
      known: connectionsOf(known, state, names),
      blocks: leading.has(MAPS.hops.name) ? leading.of(MAPS.hops.name).keys().map(blockOf) : [],
      links: links.map(([, name]) => name),
      tunnels: maps.has(MAPS.tunnels.name) ? maps.of(MAPS.tunnels.name).keys().length : 0,
    };
  });
}

function connectionsOf(known: KernelMap, state: KernelMap, names: ReadonlyMap<number, string>) {
  const generation = new DataView(state.get(new Uint8Array(4))!.buffer).getUint32(0, true);
  const nameOf = (index: number): string => names.get(index) ?? String(index);
  return known.keys().flatMap((key): KnownConnection[] => {
    const value = known.get(key);
    const fields = new DataView((value ?? new Uint8Array(32)).buffer);
    if (value === undefined || fields.getUint32(8, true) !== generation) return [];
    const [source, destination] = [addressOf(key.subarray(4, 20)), addressOf(key.subarray(20, 36))];
    const from = nameOf(new DataView(key.buffer).getUint32(0, true));
    return [{ from, by: nameOf(fields.getUint32(12, true)), source, destination, ports: key.slice(36) }];
  });
}

function blockOf(key: Uint8Array<ArrayBuffer>): string {
  const prefix = new DataView(key.buffer).getUint32(0, true);
  const text = addressOf(key.subarray(4));
  return `${text}/${text.includes(':') ? prefix : prefix - 96}`;
}

function addressOf(bytes: Uint8Array): string {
  const isMapped = bytes.subarray(0, 12).toHex() === '00000000000000000000ffff';
  return formatIp(ipFromBytes(isMapped ? bytes.subarray(12) : bytes));
}

/** Programs that are attached to a link, by id. */
function programsOf(link: number, type = EGRESS): readonly number[] {
  const ids = new Uint32Array(16);
  const { view } = call(COMMAND.query, [link, type, 0, 0, 0, 0, ids.length], { 16: ids });
  return [...ids.subarray(0, view.getUint32(24, true))];
}

/** The maps of a program, by name. */
function mapsOf(id: number) {
  const { result: program } = call(COMMAND.programById, [id]);
  const ids = new Uint32Array(8);
  const info = new Uint8Array(256);
  const fields = new DataView(info.buffer);
  fields.setUint32(52, ids.length, true);
  fields.setBigUint64(56, BigInt(koffi.address(ids)), true);
  call(COMMAND.info, [program, info.length], { 8: info });
  close(program);
  const held: number[] = [];
  const found = new Map(
    [...ids.subarray(0, fields.getUint32(52, true))].map((map) => {
      const { result: fd } = call(COMMAND.mapById, [map]);
      held.push(fd);
      const bytes = new Uint8Array(128);
      call(COMMAND.info, [fd, bytes.length], { 8: bytes });
      const view = new DataView(bytes.buffer);
      const name = Buffer.from(bytes.subarray(24, 40)).toString('latin1').split('\0')[0]!;
      return [name, new KernelMap(fd, view.getUint32(8, true), view.getUint32(12, true))];
    }),
  );
  return {
    has: (name: string) => found.has(name),
    of: (name: string) => found.get(name)!,
    [Symbol.dispose]: () => held.forEach((fd) => void close(fd)),
  };
}

function call(
  command: number,
  words: readonly number[],
  pointers: Readonly<Record<number, Uint8Array | Uint32Array>> = {},
) {
  const attributes = new Uint8Array(128);
  const view = new DataView(attributes.buffer);
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word, true);
  for (const [at, target] of Object.entries(pointers))
    view.setBigUint64(Number(at), BigInt(koffi.address(target)), true);
  return {
    result: expectSuccess(bpf(command, attributes, attributes.length), `command ${command} of bpf(2)`),
    view,
  };
}
