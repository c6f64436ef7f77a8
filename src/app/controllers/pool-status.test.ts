import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { poolStatus, type PoolObject } from './pool-status.ts';

const NOW = '2024-01-01T00:00:00Z';
const pool = (name: string, cidr: string, spec: object = {}): PoolObject => ({
  metadata: { name },
  spec: { cidr, ...spec },
});
const block = (
  cidr: string,
  allocated: number,
): { cidr: NonNullable<ReturnType<typeof parseCidr>>; allocated: number } => ({
  cidr: parseCidr(cidr)!,
  allocated,
});

describe('the status of a pool', () => {
  it('counts the blocks and addresses that lie in it', () => {
    const blocks = [block('10.1.0.0/26', 3), block('10.1.0.64/26', 4), block('10.2.0.0/26', 5)];
    expect(poolStatus(pool('a', '10.1.0.0/16'), [], blocks, NOW)).toMatchObject({
      blocks: 2,
      allocated: 7,
      capacity: '65536',
      conditions: [{ status: 'True', reason: 'Valid', message: 'addresses of this pool are given out' }],
    });
    expect(poolStatus(pool('b', 'fd00::/56'), [], [], NOW).capacity).toBe(String(2n ** 72n));
  });

  it.each([
    ['a CIDR that is none', pool('a', '10.1.0.0/33'), 'Invalid', "spec.cidr: '10.1.0.0/33' is not an address range"],
    ['too small for one block', pool('a', '10.1.0.0/28'), 'Invalid', 'too small'],
    ['overlapping an older one', pool('z', '10.3.0.0/16'), 'Invalid', 'overlaps pool other'],
    ['switched off', pool('a', '10.1.0.0/16', { disabled: true }), 'Disabled', 'spec.disabled'],
    ['full', pool('a', '10.1.0.0/26'), 'Exhausted', 'every address'],
  ])('says why nodes cannot use it: %s', (_name, subject, reason, message) => {
    const [condition] = poolStatus(subject, [pool('other', '10.3.4.0/24')], [block('10.1.0.0/26', 64)], NOW).conditions;
    expect(condition).toMatchObject({ status: 'False', reason });
    expect(condition?.message).toContain(message);
  });

  it('keeps the time of the last change of verdict', () => {
    const before = poolStatus(pool('a', '10.1.0.0/16'), [], [], NOW);
    const held = { ...pool('a', '10.1.0.0/16'), status: before };
    expect(poolStatus(held, [], [], '2025-01-01T00:00:00Z')).toEqual(before);
  });
});
