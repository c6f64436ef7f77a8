import { describe, expect, it } from 'vitest';
import { formatCidr, parseCidr } from '../../base/ip/index.ts';
import { reservedRanges } from './reserved-ranges.ts';

describe('ranges in which no block is claimed', () => {
  it('are those of other nodes, until they have a block', () => {
    const nodes = new Map(
      ['self', 'old', 'new'].map((name, i) => [name, { podCidrs: [parseCidr(`10.244.${i}.0/24`)!] }]),
    );
    const block = { cidr: parseCidr('10.244.2.0/26')!, node: 'new', elsewhere: [] };
    expect(reservedRanges('self', nodes, [block, undefined]).map(formatCidr)).toEqual(['10.244.1.0/24']);
  });
});
