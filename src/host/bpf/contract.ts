import { expect, it } from 'vitest';
import { Assembler } from '../../core/bpf/index.ts';
import type { Bpf, MapSpec } from './port.ts';

export interface BpfWorld {
  /** Each use of the same kernel. */
  readonly open: () => Bpf;
  /** A link, and one that there is not. */
  readonly link: number;
  readonly missing: number;
}

const bytes = (...numbers: readonly number[]) => Uint8Array.from(numbers);
const spec = (kind: MapSpec['kind']): MapSpec => ({ name: 'test_map', kind, keySize: 4, valueSize: 4, size: 8 });
const PASS = new Assembler().return(-1);

/** What every {@link Bpf} does. `make` gives a kernel that nobody else uses. */
export function bpfContract(make: () => BpfWorld & Disposable): void {
  it.each(['hash', 'lru-hash'] as const)('keeps elements of a map of kind %s', (kind) => {
    using world = make();
    using bpf = world.open();
    const map = bpf.createMap(spec(kind));
    expect([map.get(bytes(1, 2, 3, 4)), map.keys()]).toEqual([undefined, []]);
    map.set(bytes(1, 2, 3, 4), bytes(5, 6, 7, 8));
    map.set(bytes(2, 2, 3, 4), bytes(5, 6, 7, 9));
    map.set(bytes(1, 2, 3, 4), bytes(9, 9, 9, 9));
    expect(map.get(bytes(1, 2, 3, 4))).toEqual(bytes(9, 9, 9, 9));
    map.delete(bytes(2, 2, 3, 4));
    map.delete(bytes(7, 7, 7, 7));
    expect(map.keys()).toEqual([bytes(1, 2, 3, 4)]);
  });

  it('begins an array with zeros, and has no more elements than it was given', () => {
    using world = make();
    using bpf = world.open();
    const map = bpf.createMap({ ...spec('array'), size: 2 });
    expect(map.keys()).toEqual([bytes(0, 0, 0, 0), bytes(1, 0, 0, 0)]);
    expect(map.get(bytes(1, 0, 0, 0))).toEqual(bytes(0, 0, 0, 0));
    map.set(bytes(1, 0, 0, 0), bytes(1, 2, 3, 4));
    expect(map.get(bytes(1, 0, 0, 0))).toEqual(bytes(1, 2, 3, 4));
    expect(() => map.set(bytes(2, 0, 0, 0), bytes(1, 2, 3, 4))).toThrow(expect.objectContaining({ code: 'too-large' }));
  });

  it('attaches programs one behind the other, and takes off those of a name', () => {
    using world = make();
    using bpf = world.open();
    const [first, second] = ['test_one', 'other_two'].map((name) => bpf.load(PASS.program(name), new Map()));
    expect(bpf.attached(world.link, 'ingress')).toEqual([]);
    bpf.attach(first!, world.link, 'ingress');
    bpf.attach(second!, world.link, 'ingress');
    bpf.attach(first!, world.link, 'egress');
    expect(() => bpf.attach(first!, world.link, 'ingress')).toThrow(expect.objectContaining({ code: 'exists' }));
    expect(bpf.attached(world.link, 'ingress')).toEqual(['test_one', 'other_two']);
    bpf.detach(world.link, 'ingress', 'test_');
    bpf.detach(world.link, 'ingress', 'test_');
    expect([bpf.attached(world.link, 'ingress'), bpf.attached(world.link, 'egress')]).toEqual([
      ['other_two'],
      ['test_one'],
    ]);
  });

  it('leaves what is attached where it is when who attached it goes, for another to take it off', () => {
    using world = make();
    {
      using bpf = world.open();
      bpf.attach(bpf.load(PASS.program('test_one'), new Map()), world.link, 'egress');
    }
    using next = world.open();
    expect(next.attached(world.link, 'egress')).toEqual(['test_one']);
    next.detach(world.link, 'egress', 'test_one');
    expect(next.attached(world.link, 'egress')).toEqual([]);
  });

  it('knows no link that there is not, and no map that it was not given', () => {
    using world = make();
    using bpf = world.open();
    const program = bpf.load(PASS.program('test_one'), new Map());
    const notFound = expect.objectContaining({ code: 'not-found' }) as unknown;
    expect(() => bpf.attach(program, world.missing, 'ingress')).toThrow(notFound as Error);
    expect(() => bpf.attached(world.missing, 'ingress')).toThrow(notFound as Error);
    expect(() => bpf.detach(world.missing, 'ingress', 'test')).toThrow(notFound as Error);
    const wants = new Assembler().map('r1', 'nowhere').return(-1).program('test_two');
    expect(() => bpf.load(wants, new Map())).toThrow('program test_two wants a map "nowhere"');
  });
}
