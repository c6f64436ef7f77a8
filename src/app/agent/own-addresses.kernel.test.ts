import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { parseAddressMethod } from '../../core/routing/index.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { enterPrivateNetwork } from '../../host/netns/testing.ts';
import { findOwnAddresses } from './own-addresses.ts';

const directory = enterPrivateNetwork();

/** What is no interface to other nodes comes first in the kernel's order, and each has an address. */
const DEVICES = `
link add br0 type bridge
link add vx0 type vxlan id 9 dstport 14789 dev lo
tuntap add name tun9 mode tun
link add cali123 type veth peer name inside
link add port type veth peer name behind
link set port master br0
link add eth0 type veth peer name far0
link add eth1 type veth peer name far1
address add 10.8.0.1/24 dev br0
address add 10.9.0.1/24 dev vx0
address add 10.10.0.1/24 dev tun9
address add 10.11.0.1/24 dev cali123
address add 10.12.0.1/24 dev port
address add 192.0.2.11/24 dev eth0
address add 2001:db8::11/64 dev eth0 nodad
address add 198.51.100.11/24 dev eth1
address add 198.51.100.12/24 dev eth1
`;
const UP = 'br0 vx0 tun9 cali123 inside port behind eth0 far0 eth1 far1'.split(' ');

const ip = (line: string): void => void execFileSync('ip', line.split(' '));

/** What a node with this InternalIP calls its address. */
function found(method: string, family: Family = 4): string {
  using netlink = openNetlink();
  const parsed = parseAddressMethod(method);
  if (typeof parsed === 'string') throw new Error(parsed);
  const internal = parseIp('198.51.100.12')!;
  const { addresses, problems } = findOwnAddresses(netlink, { [family]: parsed }, [internal]);
  if (problems[0] !== undefined) return problems[0].message;
  return formatIp(addresses.find((each) => each.family === family)!);
}

describe.skipIf(directory === undefined)('the address of a node whose kernel has bridges and tunnels, too', () => {
  beforeAll(() => {
    for (const line of DEVICES.trim().split('\n')) ip(line);
    for (const name of UP) ip(`link set ${name} up`);
    ip('route add default via 198.51.100.1 dev eth1');
  });

  it.each<[string, Family, string]>([
    ['first-found', 4, '192.0.2.11'],
    ['first-found', 6, '2001:db8::11'],
    ['skip-interface=eth0', 4, '198.51.100.11'],
    ['interface=eth1', 4, '198.51.100.11'],
    ['interface=(br|vx|tun|cali|port|eth).*', 4, '192.0.2.11'],
    ['cidr=10.0.0.0/8,198.51.100.0/24', 4, '198.51.100.11'],
    ['can-reach=192.0.2.1', 4, '192.0.2.11'],
    ['can-reach=203.0.113.1', 4, '198.51.100.11'],
    ['can-reach=2001:db8::1', 6, '2001:db8::11'],
    ['kubernetes-internal-ip', 4, '198.51.100.12'],
  ])('by %s, IPv%i, is %s', (method, family, address) => {
    expect(found(method, family)).toBe(address);
  });

  it.each(['8', '9', '10', '11', '12'])('is never found in 10.%s.0.0/16, where no other node is', (number) => {
    expect(found(`cidr=10.${number}.0.0/16`)).toMatch(/cannot detect this node's IPv4 address: no interface/);
    expect(found(`can-reach=10.${number}.0.9`)).toMatch(/cannot detect this node's IPv4 address: the way to/);
  });
});
