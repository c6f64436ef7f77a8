import type { Node } from 'kubernetes-types/core/v1.d.ts';
import { describe, expect, it } from 'vitest';
import { dividedByZone, processorsByZone } from './zone-hints.ts';

const times = (count: number, zone: string): string[] => Array.from({ length: count }, () => zone);
const count = (zones: readonly string[] | undefined) =>
  zones && Object.fromEntries([...Map.groupBy(zones, (each) => each)].map(([zone, all]) => [zone, all.length]));
const even = new Map([
  ['a', 4],
  ['b', 4],
]);

describe('endpoints under topology mode Auto', () => {
  it.each([
    ['as many in each zone stay', [...times(3, 'a'), ...times(3, 'b')], even, { a: 3, b: 3 }],
    // Six for one zone and four for the other would let each of the four do more than a fifth above its share.
    ['some of the greater zone serve the lesser', [...times(7, 'a'), ...times(3, 'b')], even, { a: 5, b: 5 }],
    ['a little too many stay', [...times(13, 'a'), ...times(11, 'b')], even, { a: 13, b: 11 }],
    ['all of one zone serve both', times(4, 'a'), even, { a: 2, b: 2 }],
    [
      'a zone with more processors has more',
      times(4, 'a'),
      new Map([
        ['a', 3],
        ['b', 1],
      ]),
      { a: 3, b: 1 },
    ],
    ['those of a zone without nodes serve others', [...times(2, 'c'), 'a', 'b'], even, { a: 2, b: 2 }],
  ])('are divided after processors: %s', (_, zones, processors, expected) => {
    expect(count(dividedByZone(zones, processors))).toEqual(expected);
  });

  it('stay in their own zone as long as that may have them', () => {
    const zones = ['b', 'a', 'a', 'a', 'b', 'a', 'a', 'a', 'b', 'a'];
    const divided = dividedByZone(zones, even)!;
    expect(zones.filter((zone, i) => zone !== divided[i])).toEqual(['a', 'a']);
  });

  it.each([
    ['there is one zone', times(4, 'a'), new Map([['a', 4]])],
    ['there are more zones than endpoints', ['a'], even],
    ['one has no zone', ['a', 'b', undefined], even],
    ['a zone would be overloaded', times(3, 'a'), even],
    ['the zones of nodes are not known', ['a', 'b'], undefined],
  ])('have no hints where %s', (_, zones, processors) => {
    expect(dividedByZone(zones, processors)).toBeUndefined();
  });
});

describe('the processors of zones', () => {
  const node = (zone: string | undefined, cpu: string | undefined, more: object = {}): Node => ({
    metadata: {
      name: 'n',
      labels: { ...(zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone }), ...more },
    },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      ...(cpu === undefined ? {} : { allocatable: { cpu } }),
    },
  });
  const lost: Node = { ...node('c', '64'), status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } };

  it('are of ready nodes for pods', () => {
    const nodes = [node('a', '2'), node('a', '1500m'), node('b', '4'), lost];
    const head = node('c', '8', { 'node-role.kubernetes.io/control-plane': '' });
    expect([...processorsByZone([...nodes, head])!]).toEqual([
      ['a', 3.5],
      ['b', 4],
    ]);
  });

  it.each([
    ['its zone', node(undefined, '2')],
    ['its processors', node('a', undefined)],
  ])('are not known where a node does not say %s', (_, silent) => {
    expect(processorsByZone([node('b', '2'), silent])).toBeUndefined();
  });
});
