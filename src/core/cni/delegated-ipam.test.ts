import { describe, expect, it } from 'vitest';
import { delegatedIpam, withAnyCidrs, withPodCidrs } from './delegated-ipam.ts';

const CIDRS = ['10.244.3.0/24', 'fd00:244:3::/64'];

describe('addresses from host-local', () => {
  it('is what a configuration asks for by the type of its ipam alone', () => {
    expect(delegatedIpam({ ipam: { type: 'host-local' } })).toBe('host-local');
    for (const ipam of [undefined, null, 'host-local', { type: 'calico-ipam' }, {}])
      expect(delegatedIpam({ ipam })).toBeUndefined();
  });

  it("puts the node's ranges in the places of usePodCidr, as Canal's configurations have them", () => {
    const config = { name: 'k8s-pod-network', ipam: { type: 'host-local', subnet: 'usePodCidr' } };
    expect(withPodCidrs(config, CIDRS)).toEqual({ ...config, ipam: { type: 'host-local', subnet: CIDRS[0] } });
    const ranges = [
      [{ subnet: 'usePodCidr', gateway: '10.244.3.1' }],
      [{ subnet: 'usePodCidrIPv6' }],
      [{ subnet: 'fd01::/64' }],
    ];
    expect(withPodCidrs({ ipam: { type: 'host-local', ranges } }, CIDRS)).toEqual({
      ipam: {
        type: 'host-local',
        ranges: [[{ subnet: CIDRS[0], gateway: '10.244.3.1' }], [{ subnet: CIDRS[1] }], [{ subnet: 'fd01::/64' }]],
      },
    });
  });

  it('says which range the node lacks, but needs none to give addresses back', () => {
    const config = { ipam: { type: 'host-local', subnet: 'usePodCidrIPv6' } };
    expect(() => withPodCidrs(config, [CIDRS[0]!])).toThrow(/usePodCidrIPv6: the node has no IPv6 podCIDR/);
    expect(withAnyCidrs(config)).toEqual({ ipam: { type: 'host-local', subnet: '::/0' } });
  });
});
