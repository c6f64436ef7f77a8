import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseCidr, parseIp } from '../../base/ip/index.ts';
import { openNetlink } from '../netlink/kernel.ts';
import { createNetns } from '../netns/netns.ts';
import { openSysctl } from '../sysctl/sysctl.ts';

/**
 * Namespaces `sender`, `router` and `peer` below `directory`, in a row: 10.0.0.1, fd00::1 to 10.1.0.2, fd01::2, whose link
 * behind the router has `mtu`. Returns the namespace of the sender.
 */
export function narrowPath(directory: string, mtu: number, router: 'tells' | 'silent'): string {
  const [sender, between, peer] = ['sender', 'router', 'peer'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  for (const netns of [sender, between, peer]) {
    createNetns(netns);
    // Addresses of IPv6 work from the start.
    for (const name of ['all', 'default']) openSysctl({ netns }).write(`net/ipv6/conf/${name}/accept_dad`, 0);
  }
  wire(between, 'near', sender, 1500, ['10.0.0.254/24', 'fd00::254/64'], ['10.0.0.1/24', 'fd00::1/64']);
  wire(between, 'far', peer, mtu, ['10.1.0.254/24', 'fd01::254/64'], ['10.1.0.2/24', 'fd01::2/64']);
  const sysctl = openSysctl({ netns: between });
  sysctl.write('net/ipv4/ip_forward', 1);
  sysctl.write('net/ipv6/conf/all/forwarding', 1);
  if (router === 'silent')
    execFileSync('nsenter', [
      `--net=${between}`,
      'nft',
      'add table inet t; add chain inet t o { type filter hook output priority 0; }; ' +
        'add rule inet t o icmp type destination-unreachable drop; add rule inet t o icmpv6 type packet-too-big drop',
    ]);
  return sender;
}

function wire(
  router: string,
  name: string,
  host: string,
  mtu: number,
  own: readonly string[],
  theirs: readonly string[],
): void {
  using outer = openNetlink({ netns: router });
  outer.apply([
    { kind: 'add-link', link: { type: 'veth', name, mtu, up: true, peer: { name: 'eth0', netns: host } } },
    ...own.map((text) => ({ kind: 'add-address', address: { link: name, address: parseCidr(text)! } }) as const),
  ]);
  using inner = openNetlink({ netns: host });
  inner.apply([
    { kind: 'set-link', link: 'lo', up: true },
    { kind: 'set-link', link: 'eth0', mtu, up: true },
    ...theirs.map((text) => ({ kind: 'add-address', address: { link: 'eth0', address: parseCidr(text)! } }) as const),
    ...own.map(
      (text, i) =>
        ({
          kind: 'add-route',
          route: { destination: parseCidr(i === 0 ? '0.0.0.0/0' : '::/0')!, via: parseIp(text.split('/')[0]!)! },
        }) as const,
    ),
  ]);
}
