import koffi from 'koffi';
import { SluiceError } from '../../base/errors.ts';
import type { BpfProgram } from '../../core/bpf/index.ts';
import { ERRNO, errnoError, expectSuccess } from '../errno.ts';
import { bpf, close } from '../libc.ts';
import { inNetns } from '../netns/netns.ts';
import type { NetnsRef } from '../netns/netns.ts';
import type { Bpf, BpfMap, Direction, LoadedProgram, MapKind, MapSpec } from './port.ts';

/** Commands of bpf(2) (linux/bpf.h). */
const COMMAND = {
  MAP_CREATE: 0,
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  MAP_GET_NEXT_KEY: 4,
  PROG_LOAD: 5,
  PROG_ATTACH: 8,
  PROG_DETACH: 9,
  PROG_GET_FD_BY_ID: 13,
  OBJ_GET_INFO_BY_FD: 15,
  PROG_QUERY: 16,
} as const;
const MAP_TYPE: Readonly<Record<MapKind, number>> = { hash: 1, array: 2, 'lru-hash': 9, 'longest-prefix': 11 };
/** A trie makes room as it grows, and must be told so. */
const NO_PREALLOC = 1;
const SCHED_CLS = 3;
const ATTACH_TYPE: Readonly<Record<Direction, number>> = { ingress: 46, egress: 47 };
/** The license decides which helpers there are; none of those used here asks for the GPL. */
const LICENSE = Buffer.from('Apache-2.0\0');
/** Of `union bpf_attr`: more than any command reads. */
const ATTRIBUTES = 128;
const NAME = 16;
/** What is attached to one link at most that anybody would look at. */
const MOST_ATTACHED = 64;
/** In `struct bpf_prog_info`. */
const INFO_NAME_AT = 64;
const LOG = 65_536;

/** Programs for a network namespace, or the calling thread's own one. */
export function openBpf(options: { readonly netns?: NetnsRef } = {}): Bpf {
  return new KernelBpf(options.netns);
}

class KernelBpf implements Bpf {
  readonly #netns: NetnsRef | undefined;
  readonly #held: number[] = [];

  constructor(netns: NetnsRef | undefined) {
    this.#netns = netns;
  }

  createMap({ name, kind, keySize, valueSize, size }: MapSpec): BpfMap {
    const flags = kind === 'longest-prefix' ? NO_PREALLOC : 0;
    const attributes = attributesOf([MAP_TYPE[kind], keySize, valueSize, size, flags, 0, 0], { at: 28, name });
    return new KernelMap(this.#hold(call(COMMAND.MAP_CREATE, attributes, `creating map ${name}`)), keySize, valueSize);
  }

  load({ name, code, maps: places }: BpfProgram, maps: ReadonlyMap<string, BpfMap>): LoadedProgram {
    const instructions = code.slice();
    const words = new DataView(instructions.buffer);
    for (const { at, map } of places) {
      const found = maps.get(map);
      if (!(found instanceof KernelMap)) throw new SluiceError('invalid', `program ${name} wants a map "${map}"`);
      words.setInt32(8 * at + 4, found.fd, true);
    }
    const attempt = (log: Uint8Array): number => {
      const attributes = attributesOf([SCHED_CLS, code.length / 8], { at: 48, name });
      setPointer(attributes, 8, instructions);
      setPointer(attributes, 16, LICENSE);
      if (log.length > 0) {
        setWords(attributes, 24, [1, log.length]);
        setPointer(attributes, 32, log);
      }
      return bpf(COMMAND.PROG_LOAD, attributes, ATTRIBUTES);
    };
    let fd = attempt(new Uint8Array());
    if (fd === -ERRNO.EINVAL || fd === -ERRNO.EACCES) {
      // Once more, for the reason.
      const log = new Uint8Array(LOG);
      fd = attempt(log);
      const text = Buffer.from(log).toString('latin1').split('\0')[0]!.trim().split('\n').slice(-3).join('; ');
      if (fd < 0) throw errnoError(-fd, `loading program ${name}`, {}, text);
    }
    return new KernelProgram(name, this.#hold(expectSuccess(fd, `loading program ${name}`)));
  }

  attach(program: LoadedProgram, link: number, direction: Direction): void {
    if (!(program instanceof KernelProgram)) throw new SluiceError('invalid', `program ${program.name} is not loaded`);
    const attributes = attributesOf([link, program.fd, ATTACH_TYPE[direction]]);
    this.#within(() => call(COMMAND.PROG_ATTACH, attributes, `attaching ${program.name} to link ${link}`));
  }

  attached(link: number, direction: Direction): readonly string[] {
    return this.#within(() => this.#programs(link, direction, (_, name) => name));
  }

  detach(link: number, direction: Direction, prefix: string): void {
    this.#within(() =>
      this.#programs(link, direction, (fd, name) => {
        if (!name.startsWith(prefix)) return;
        call(COMMAND.PROG_DETACH, attributesOf([link, fd, ATTACH_TYPE[direction]]), `taking ${name} off link ${link}`);
      }),
    );
  }

  [Symbol.dispose](): void {
    for (const fd of this.#held.splice(0)) close(fd);
  }

  /** What `look` makes of each program that is attached. */
  #programs<T>(link: number, direction: Direction, look: (fd: number, name: string) => T): readonly T[] {
    const ids = new Uint32Array(MOST_ATTACHED);
    const attributes = attributesOf([link, ATTACH_TYPE[direction]]);
    setPointer(attributes, 16, ids);
    setWords(attributes, 24, [MOST_ATTACHED]);
    call(COMMAND.PROG_QUERY, attributes, `asking for the programs of link ${link}`);
    const count = wordAt(attributes, 24);
    return [...ids.subarray(0, count)].flatMap((id) => {
      const fd = bpf(COMMAND.PROG_GET_FD_BY_ID, attributesOf([id]), ATTRIBUTES);
      // It has gone meanwhile.
      if (fd === -ERRNO.ENOENT) return [];
      expectSuccess(fd, `opening program ${id}`);
      try {
        return [look(fd, nameOf(fd))];
      } finally {
        close(fd);
      }
    });
  }

  #hold(fd: number): number {
    this.#held.push(fd);
    return fd;
  }

  #within<T>(section: () => T): T {
    return this.#netns === undefined ? section() : inNetns(this.#netns, section);
  }
}

class KernelProgram implements LoadedProgram {
  readonly name: string;
  readonly fd: number;

  constructor(name: string, fd: number) {
    this.name = name;
    this.fd = fd;
  }
}

export class KernelMap implements BpfMap {
  readonly fd: number;
  readonly #keySize: number;
  readonly #valueSize: number;

  constructor(fd: number, keySize: number, valueSize: number) {
    this.fd = fd;
    this.#keySize = keySize;
    this.#valueSize = valueSize;
  }

  set(key: Uint8Array, value: Uint8Array): void {
    expectSuccess(this.#element(COMMAND.MAP_UPDATE_ELEM, key, value), 'writing an element of a map');
  }

  delete(key: Uint8Array): void {
    const result = this.#element(COMMAND.MAP_DELETE_ELEM, key, undefined);
    if (result !== -ERRNO.ENOENT) expectSuccess(result, 'deleting an element of a map');
  }

  get(key: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const value = new Uint8Array(this.#valueSize);
    const result = this.#element(COMMAND.MAP_LOOKUP_ELEM, key, value);
    if (result === -ERRNO.ENOENT) return undefined;
    expectSuccess(result, 'reading an element of a map');
    return value;
  }

  keys(): readonly Uint8Array<ArrayBuffer>[] {
    const found: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      const next = new Uint8Array(this.#keySize);
      const result = this.#element(COMMAND.MAP_GET_NEXT_KEY, found.at(-1), next);
      if (result === -ERRNO.ENOENT) return found;
      expectSuccess(result, 'listing a map');
      found.push(next);
    }
  }

  #element(command: number, key: Uint8Array | undefined, value: Uint8Array | undefined): number {
    const attributes = attributesOf([this.fd]);
    if (key !== undefined) setPointer(attributes, 8, key);
    if (value !== undefined) setPointer(attributes, 16, value);
    return bpf(command, attributes, ATTRIBUTES);
  }
}

function attributesOf(
  words: readonly number[],
  named?: { readonly at: number; readonly name: string },
): Uint8Array<ArrayBuffer> {
  const attributes = new Uint8Array(ATTRIBUTES);
  setWords(attributes, 0, words);
  // At most 15 bytes of letters, digits, `_` and `.`.
  if (named !== undefined) attributes.set(Buffer.from(named.name).subarray(0, NAME - 1), named.at);
  return attributes;
}

function setWords(bytes: Uint8Array<ArrayBuffer>, at: number, words: readonly number[]): void {
  const view = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) view.setUint32(at + 4 * i, word, true);
}

function setPointer(bytes: Uint8Array<ArrayBuffer>, at: number, target: Uint8Array | Uint32Array): void {
  new DataView(bytes.buffer).setBigUint64(at, BigInt(koffi.address(target)), true);
}

function wordAt(bytes: Uint8Array<ArrayBuffer>, at: number): number {
  return new DataView(bytes.buffer).getUint32(at, true);
}

function call(command: number, attributes: Uint8Array<ArrayBuffer>, what: string): number {
  return expectSuccess(bpf(command, attributes, ATTRIBUTES), what);
}

function nameOf(fd: number): string {
  const info = new Uint8Array(256);
  const attributes = attributesOf([fd, info.length]);
  setPointer(attributes, 8, info);
  call(COMMAND.OBJ_GET_INFO_BY_FD, attributes, 'asking for the name of a program');
  return Buffer.from(info.subarray(INFO_NAME_AT, INFO_NAME_AT + NAME))
    .toString('latin1')
    .split('\0')[0]!;
}
