import type { BpfProgram } from '../../core/bpf/index.ts';

/** Kinds of maps (linux/bpf.h). */
export type MapKind = 'array' | 'hash' | 'lru-hash' | 'longest-prefix';

export interface MapSpec {
  readonly name: string;
  readonly kind: MapKind;
  /** Bytes. */
  readonly keySize: number;
  readonly valueSize: number;
  readonly size: number;
}

/** What a program of {@link Bpf} is attached to: what comes in by the link, or leaves by it. */
export type Direction = 'ingress' | 'egress';

/**
 * Programs that the kernel runs for packets, and their maps. Links are meant by interface index in one network namespace. Every
 * call is synchronous; errors are `SluiceError<ErrnoCode>`: `unsupported` or `invalid` where the kernel knows no such thing,
 * `permission` where it is not for us. Maps and programs live as long as something holds them: this object, or a link.
 */
export interface Bpf extends Disposable {
  createMap(spec: MapSpec): BpfMap;
  /** `maps`: those that the program names. */
  load(program: BpfProgram, maps: ReadonlyMap<string, BpfMap>): LoadedProgram;
  /** Behind those that are attached to the link already. */
  attach(program: LoadedProgram, link: number, direction: Direction): void;
  /** Names of the programs that are attached to the link, in their order. */
  attached(link: number, direction: Direction): readonly string[];
  /** Takes all programs off the link whose names begin so. */
  detach(link: number, direction: Direction, prefix: string): void;
}

export interface BpfMap {
  set(key: Uint8Array, value: Uint8Array): void;
  /** Nothing where there is no such key. */
  delete(key: Uint8Array): void;
  get(key: Uint8Array): Uint8Array<ArrayBuffer> | undefined;
  /** All keys. */
  keys(): readonly Uint8Array<ArrayBuffer>[];
}

/** A program that the kernel has found safe. */
export interface LoadedProgram {
  readonly name: string;
}
