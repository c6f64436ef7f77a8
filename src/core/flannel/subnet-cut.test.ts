import { describe, expect, it } from 'vitest';
import { formatIp } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { parseEtcdNetConf } from './subnet-cut.ts';

const read = (more: object) =>
  parseEtcdNetConf(JSON.stringify({ Network: '10.244.0.0/16', Backend: { Type: 'vxlan' }, ...more }));

function cut(more: object, family: Family = 4): readonly string[] {
  const reading = read(more);
  if (reading.kind === 'bad') throw new Error(reading.problems.join());
  const { first, last, length } = reading.cuts[family]!;
  return [first, last].map((value) => `${formatIp({ family, value })}/${length}`);
}

describe("flannel's configuration in etcd", () => {
  it('gives each node a /24, or a quarter of what is smaller, and nobody the first subnet', () => {
    expect(cut({})).toEqual(['10.244.1.0/24', '10.244.255.0/24']);
    expect(cut({ Network: '10.244.0.0/23' })).toEqual(['10.244.0.128/25', '10.244.1.128/25']);
    expect(cut({ Network: '10.244.0.0/28' })).toEqual(['10.244.0.4/30', '10.244.0.12/30']);
    const both = { EnableIPv6: true, IPv6Network: 'fd00:10:244::/56' };
    expect(cut(both, 6)).toEqual(['fd00:10:244:1::/64', 'fd00:10:244:ff::/64']);
    expect(cut({ ...both, IPv6Network: 'fd00:10:244::/63' }, 6)).toEqual([
      'fd00:10:244:0:8000::/65',
      'fd00:10:244:1:8000::/65',
    ]);
  });

  it('may say how long subnets are and where they begin and end', () => {
    expect(cut({ SubnetLen: 26, SubnetMin: '10.244.0.0', SubnetMax: '10.244.9.192' })).toEqual([
      '10.244.0.0/26',
      '10.244.9.192/26',
    ]);
    const both = { EnableIPv6: true, IPv6Network: 'fd00:10:244::/56', IPv6SubnetLen: 60 };
    expect(cut({ ...both, IPv6SubnetMin: 'fd00:10:244:20::', IPv6SubnetMax: 'fd00:10:244:30::' }, 6)).toEqual([
      'fd00:10:244:20::/60',
      'fd00:10:244:30::/60',
    ]);
    // Go's zero.
    expect(cut({ SubnetLen: 0, SubnetMin: '0.0.0.0' })[0]).toBe('10.244.1.0/24');
  });

  it.each([
    [
      { SubnetLen: 17 },
      ['SubnetLen is 17, must be from 18 to 30: at least four subnets in 10.244.0.0/16, of four addresses or more'],
    ],
    [
      { SubnetLen: 31 },
      ['SubnetLen is 31, must be from 18 to 30: at least four subnets in 10.244.0.0/16, of four addresses or more'],
    ],
    [
      { Network: '10.244.0.0/29' },
      ['SubnetLen is 31, must be from 31 to 30: at least four subnets in 10.244.0.0/29, of four addresses or more'],
    ],
    [
      { SubnetMin: '10.245.0.0' },
      ['SubnetMin is 10.245.0.0, which is not in 10.244.0.0/16', 'SubnetMin is after SubnetMax: there is no subnet'],
    ],
    [{ SubnetMax: '10.244.9.1' }, ['SubnetMax is 10.244.9.1, where no subnet of /24 begins']],
    [{ SubnetMin: 'x' }, ['SubnetMin is "x", must be an IPv4 address']],
    [
      { EnableIPv4: false, EnableIPv6: true, IPv6Network: 'fd00::/56' },
      ["EnableIPv4 is false: leases in etcd need IPv4, flannel's too; without it, they can be in Nodes alone"],
    ],
    [{ Network: 5 }, ['Network is 5, must be an IPv4 CIDR such as 10.244.0.0/16']],
  ])('%j is refused with what is wrong', (more, problems) => {
    expect(read(more)).toEqual({ kind: 'bad', problems });
  });
});
