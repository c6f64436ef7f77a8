import { SluiceError } from '../../base/errors.ts';
import type { BpfProgram } from '../../core/bpf/index.ts';
import type { Bpf, BpfMap, Direction, LoadedProgram, MapSpec } from './port.ts';

/** A kernel that keeps what it is told and runs nothing. Several of {@link FakeKernel.open} share its links. */
export class FakeKernel {
  /** Links that there are. */
  readonly links: Set<number>;
  /** Programs by link and direction. */
  readonly #attached = new Map<string, LoadedProgram[]>();

  constructor(links: Iterable<number>) {
    this.links = new Set(links);
  }

  open(): FakeBpf {
    return new FakeBpf(this);
  }

  /** The programs of a link that is there. */
  at(link: number, direction: Direction): LoadedProgram[] {
    if (!this.links.has(link)) throw new SluiceError('not-found', `there is no link ${link}`);
    const key = `${link} ${direction}`;
    const programs = this.#attached.get(key) ?? [];
    this.#attached.set(key, programs);
    return programs;
  }
}

export class FakeBpf implements Bpf {
  readonly #kernel: FakeKernel;
  readonly #loaded = new Set<LoadedProgram>();
  readonly maps = new Map<string, FakeMap>();

  constructor(kernel: FakeKernel) {
    this.#kernel = kernel;
  }

  createMap(spec: MapSpec): BpfMap {
    const map = new FakeMap(spec);
    this.maps.set(spec.name, map);
    return map;
  }

  load({ name, maps: places }: BpfProgram, maps: ReadonlyMap<string, BpfMap>): LoadedProgram {
    for (const { map } of places)
      if (!maps.has(map)) throw new SluiceError('invalid', `program ${name} wants a map "${map}"`);
    const program = { name };
    this.#loaded.add(program);
    return program;
  }

  attach(program: LoadedProgram, link: number, direction: Direction): void {
    if (!this.#loaded.has(program)) throw new SluiceError('invalid', `program ${program.name} is not loaded`);
    const programs = this.#kernel.at(link, direction);
    if (programs.includes(program)) throw new SluiceError('exists', `${program.name} is attached to link ${link}`);
    programs.push(program);
  }

  attached(link: number, direction: Direction): readonly string[] {
    return this.#kernel.at(link, direction).map(({ name }) => name);
  }

  detach(link: number, direction: Direction, prefix: string): void {
    const programs = this.#kernel.at(link, direction);
    programs.splice(0, Infinity, ...programs.filter(({ name }) => !name.startsWith(prefix)));
  }

  [Symbol.dispose](): void {
    this.#loaded.clear();
  }
}

class FakeMap implements BpfMap {
  readonly #spec: MapSpec;
  readonly #elements = new Map<string, Uint8Array<ArrayBuffer>>();

  constructor(spec: MapSpec) {
    this.#spec = spec;
    if (spec.kind === 'array')
      for (let index = 0; index < spec.size; index++)
        this.#elements.set(
          new Uint8Array(new Uint32Array([index]).buffer).toHex(),
          new Uint8Array(new ArrayBuffer(spec.valueSize)),
        );
  }

  set(key: Uint8Array, value: Uint8Array): void {
    if (this.#spec.kind === 'array' && !this.#elements.has(key.toHex()))
      throw new SluiceError('too-large', `map ${this.#spec.name} has no such element`);
    this.#elements.set(key.toHex(), Uint8Array.from(value));
  }

  delete(key: Uint8Array): void {
    this.#elements.delete(key.toHex());
  }

  get(key: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    return this.#elements.get(key.toHex())?.slice();
  }

  keys(): readonly Uint8Array<ArrayBuffer>[] {
    return [...this.#elements.keys()].map((text) => Uint8Array.fromHex(text));
  }
}
