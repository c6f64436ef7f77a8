import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { OPEN_POOL } from './open-pool.ts';
import { qualifyPools } from './qualify-pools.ts';
import type { PoolDemand } from './qualify-pools.ts';
import type { IpPool } from './types.ts';

function pool(name: string, more: Partial<IpPool> = {}): IpPool {
  return { ...OPEN_POOL, name, cidr: parseCidr(`10.${name.charCodeAt(0)}.0.0/16`)!, blockSize: 26, ...more };
}

const POOLS = [
  pool('z'),
  pool('a', { nodeSelector: 'zone == "a"' }),
  pool('b', { namespaceSelector: 'has(team)' }),
  pool('c', { assignmentMode: 'Manual' }),
  pool('d', { disabled: true }),
  pool('e', { allowedUses: ['Tunnel'] }),
  pool('f', { nodeSelector: 'zone ==' }),
  pool('v', { cidr: parseCidr('fd00::/64')!, blockSize: 122 }),
];

function qualify(more: Partial<PoolDemand>): ReturnType<typeof qualifyPools> {
  return qualifyPools(POOLS, {
    family: 4,
    use: 'Workload',
    nodeLabels: {},
    namespaceLabels: {},
    wanted: undefined,
    ...more,
  });
}

describe('pools for an address', () => {
  it.each<[string, Partial<PoolDemand>, string]>([
    ['nobody asks for any', {}, 'z'],
    ['the node is selected', { nodeLabels: { zone: 'a' } }, 'a z'],
    ['the namespace is selected', { namespaceLabels: { team: '' } }, 'b z'],
    ['the use is another', { use: 'Tunnel' }, 'e z'],
    ['the family is another', { family: 6 }, 'v'],
    ['an empty list is asked for', { wanted: [] }, 'z'],
    ['names are asked for, whatever they select', { wanted: ['c', 'b', 'a'] }, 'c b a'],
    ['a CIDR is asked for', { wanted: ['10.99.0.0/16'] }, 'c'],
    ['one is asked for twice', { wanted: ['c', 'c'] }, 'c'],
    ['a disabled one is asked for', { wanted: ['d', 'a'] }, ''],
    ['one that is for other uses is asked for', { wanted: ['e'] }, ''],
    ['one of the other family is asked for', { wanted: ['v', 'a'] }, ''],
  ])('when %s', (_, demand, expected) => {
    expect(
      qualify(demand)
        .pools.map(({ name }) => name)
        .join(' '),
    ).toBe(expected);
  });

  it('come with the reasons why the others are not among them', () => {
    expect(qualify({}).rejections).toEqual([
      'a selects other nodes (zone == "a")',
      'b selects other namespaces (has(team))',
      'c gives addresses only where it is asked for (assignmentMode: Manual)',
      'd is disabled',
      'e is not for this use (Workload; its allowedUses: Tunnel)',
      'f selects other nodes (zone ==)',
    ]);
    expect(qualify({ wanted: ['d', 'nowhere', 'v'] }).rejections).toEqual([
      'd is disabled',
      "'nowhere' is no IPv4 pool",
      "'v' is no IPv4 pool",
    ]);
  });
});
