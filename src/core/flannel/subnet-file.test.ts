import { expect, it } from 'vitest';
import { formatCidr, parseCidr } from '../../base/ip/index.ts';
import { parseSubnetFile, renderSubnetFile } from './subnet-file.ts';

const cidrs = (...texts: readonly string[]) => texts.map((text) => parseCidr(text)!);

it('is written as flannel writes it, and what the node had is read from it', () => {
  const networks = cidrs('10.244.0.0/16', 'fd00:10:244::/56');
  const one = renderSubnetFile({ networks, subnets: cidrs('10.244.7.0/24'), mtu: 1450, masquerade: false });
  expect(one).toBe(
    'FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.7.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n',
  );
  const subnets = cidrs('10.244.7.0/24', 'fd00:10:244:7::/64');
  const both = renderSubnetFile({ networks, subnets, mtu: 1430, masquerade: true });
  expect(both).toBe(
    'FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.7.1/24\n' +
      'FLANNEL_IPV6_NETWORK=fd00:10:244::/56\nFLANNEL_IPV6_SUBNET=fd00:10:244:7::1/64\n' +
      'FLANNEL_MTU=1430\nFLANNEL_IPMASQ=true\n',
  );
  expect(parseSubnetFile(one).map(formatCidr)).toEqual(['10.244.7.0/24']);
  expect(parseSubnetFile(both).map(formatCidr)).toEqual(['10.244.7.0/24', 'fd00:10:244:7::/64']);
});

it('tells of nothing when it has nothing, or nothing that can be read', () => {
  expect(parseSubnetFile('')).toEqual([]);
  expect(parseSubnetFile('FLANNEL_SUBNET=\nFLANNEL_IPV6_SUBNET=x/64\nnothing')).toEqual([]);
});
