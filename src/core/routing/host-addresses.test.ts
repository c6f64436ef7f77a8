import { expect, it } from 'vitest';
import { formatIp, parseCidr } from '../../base/ip/index.ts';
import { hostAddresses } from './host-addresses.ts';

const LINKS: readonly (readonly [name: string, kind: string | undefined, ...addresses: string[]])[] = [
  ['lo', undefined, '192.0.2.200/32'],
  ['eth0', undefined, '172.30.1.11/24', 'fd00:30:1::11/64'],
  ['eth1', undefined, '172.30.9.11/24'],
  ['br0', 'bridge', '172.30.8.11/24'],
  ['dummy0', 'dummy', '192.0.2.1/32'],
  ['wg0', 'wireguard', '192.0.2.2/32'],
  // Of pods, of engines of containers, of overlays, of Services.
  ['slc0123', 'veth', '198.51.100.1/32'],
  ['docker0', 'bridge', '172.17.0.1/16'],
  ['br-0123456789ab', 'bridge', '172.18.0.1/16'],
  ['vxlan.sluice', 'vxlan', '198.51.100.2/32'],
  ['tunl0', 'ipip', '198.51.100.3/32'],
  ['flannel.1', 'vxlan', '198.51.100.4/32'],
  ['kube-ipvs0', 'dummy', '10.96.0.1/32'],
  ['nodelocaldns', 'dummy', '10.96.0.10/32'],
  // Of a pool, and of nobody else than the node.
  ['odd0', 'vxlan', '10.244.3.1/32', '169.254.20.10/32'],
];

it('are those of every device that is neither of pods nor of an overlay, once it is up', () => {
  const addresses = LINKS.flatMap(([link, , ...texts]) => texts.map((text) => ({ link, address: parseCidr(text)! })));
  const links = LINKS.map(([name, kind]) => ({ name, kind, up: true, enslaved: false }));
  const down = { name: 'eth2', kind: undefined, up: false, enslaved: false };
  const facts = {
    links: [...links, down],
    addresses: [...addresses, { link: 'eth2', address: parseCidr('172.30.7.11/24')! }],
  };
  expect(hostAddresses(facts, [parseCidr('10.244.0.0/16')!]).map(formatIp)).toEqual([
    '172.30.1.11',
    '172.30.8.11',
    '172.30.9.11',
    '192.0.2.1',
    '192.0.2.2',
    '192.0.2.200',
    'fd00:30:1::11',
  ]);
});
