import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatIp, hostCidr, parseCidr, parseIp } from '../../base/ip/index.ts';
import { openNetlink } from '../netlink/kernel.ts';
import type { NetworkChange } from '../netlink/port.ts';
import { createNetns } from '../netns/netns.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { openSysctl } from '../sysctl/sysctl.ts';
import { probeContract } from './contract.ts';
import type { ProbeAttempt, ProbeEndpoint } from './port.ts';
import { probe } from './probe.ts';

const directory = enterPrivateNetwork();
const GATEWAY = { mac: 'ee:ee:ee:ee:ee:ee', 4: parseIp('169.254.1.1')!, 6: parseIp('fe80::ecee:eeff:feee:eeee')! };
const pods: ProbeEndpoint[] = [];
const nft = (...rules: string[]): void => {
  execFileSync('nft', ['-f', '-'], {
    input: `table inet t\ndelete table inet t\ntable inet t { chain f {
    type filter hook forward priority 0; policy accept;\nct state established,related accept\nct state invalid drop\n${rules.join('\n')}\n}\n}`,
  });
};

/** A pod as Sluice wires it: routed, with permanent neighbours on both sides. */
function addPod(n: number): ProbeEndpoint {
  const netns = join(directory!, `pod-${n}`);
  const addresses = [parseIp(`10.0.0.${n}`)!, parseIp(`fd00::${n}`)!];
  const mac = `02:00:00:00:00:0${n}`;
  createNetns(netns);
  using node = openNetlink();
  node.apply([
    {
      kind: 'add-link',
      link: { type: 'veth', name: `slc${n}`, mac: GATEWAY.mac, up: true, peer: { name: 'eth0', mac, netns } },
    },
    ...addresses.flatMap((ip): NetworkChange[] => [
      { kind: 'add-route', route: { destination: hostCidr(ip), link: `slc${n}` } },
      { kind: 'replace-neighbour', neighbour: { link: `slc${n}`, ip, mac } },
    ]),
  ]);
  using pod = openNetlink({ netns });
  pod.apply([
    { kind: 'set-link', link: 'lo', up: true },
    { kind: 'set-link', link: 'eth0', up: true },
    ...addresses.flatMap((ip): NetworkChange[] => [
      { kind: 'add-address', address: { link: 'eth0', address: hostCidr(ip) } },
      { kind: 'replace-neighbour', neighbour: { link: 'eth0', ip: GATEWAY[ip.family], mac: GATEWAY.mac } },
      { kind: 'add-route', route: { destination: hostCidr(GATEWAY[ip.family]), link: 'eth0' } },
      {
        kind: 'add-route',
        route: {
          destination: parseCidr(ip.family === 4 ? '0.0.0.0/0' : '::/0')!,
          via: GATEWAY[ip.family],
          link: 'eth0',
        },
      },
    ]),
  ]);
  return { id: `pod-${n}`, netns, addresses };
}

describe.skipIf(directory === undefined)('probe', () => {
  beforeAll(() => {
    const sysctl = openSysctl();
    sysctl.write('net/ipv4/ip_forward', 1);
    sysctl.write('net/ipv6/conf/all/forwarding', 1);
    for (const n of [1, 2, 3]) pods.push(addPod(n));
  });

  probeContract('kernel probe', (protocol) => {
    nft('ip daddr 10.0.0.3 drop');
    const [from, to, closed] = [pods[0]!, pods[1]!, pods[2]!];
    const port = protocol === 'icmp' ? 0 : 8080;
    return {
      probe,
      open: { from, to, address: to.addresses[0]!, protocol, port },
      blocked: { from, to: closed, address: closed.addresses[0]!, protocol, port },
    };
  });

  const everything = (port = 8080): ProbeAttempt[] =>
    pods.flatMap((from) =>
      pods.flatMap((to) =>
        to.addresses.flatMap((address) =>
          (['tcp', 'udp', 'icmp'] as const).map((protocol) => ({
            from,
            to,
            address,
            protocol,
            port: protocol === 'icmp' ? 0 : port,
          })),
        ),
      ),
    );
  const nameOf = ({ from, to, protocol, address }: ProbeAttempt): string =>
    `${from.id} ${to.id} ${protocol}${address.family}`;

  it('sees everything pass where nothing filters, in both families, a pod to itself included', async () => {
    nft();
    const results = await probe(everything());
    expect(results.filter(({ verdict }) => verdict !== 'allowed').map(({ attempt }) => nameOf(attempt))).toEqual([]);
    expect(results.map(({ attempt }) => nameOf(attempt))).toEqual(everything().map(nameOf));
    expect(
      new Set(results.filter(({ attempt }) => attempt.protocol === 'tcp').map(({ evidence }) => evidence)),
    ).toEqual(new Set(['connected']));
  });

  it('agrees with the packet filter, direction by direction and protocol by protocol', async () => {
    nft(
      'iifname slc1 oifname slc2 meta l4proto tcp drop',
      'iifname slc2 oifname slc1 udp dport 8080 drop',
      'iifname slc3 meta l4proto { icmp, icmpv6 } drop',
      'oifname slc3 ip6 nexthdr tcp drop',
    );
    const denied = (await probe(everything(), { timeoutMs: 150 })).filter(({ verdict }) => verdict === 'denied');
    expect(denied.map(({ attempt }) => nameOf(attempt)).toSorted()).toEqual(
      [
        'pod-1 pod-2 tcp4',
        'pod-1 pod-2 tcp6',
        'pod-2 pod-1 udp4',
        'pod-2 pod-1 udp6',
        'pod-3 pod-1 icmp4',
        'pod-3 pod-1 icmp6',
        'pod-3 pod-2 icmp4',
        'pod-3 pod-2 icmp6',
        'pod-1 pod-3 tcp6',
        'pod-2 pod-3 tcp6',
      ].toSorted(),
    );
  });

  it('follows a Service address to the pod behind it', async () => {
    nft();
    execFileSync('nft', ['-f', '-'], {
      input:
        'table ip svc\ndelete table ip svc\ntable ip svc { chain p { type nat hook prerouting priority -100;\nip daddr 10.96.0.1 tcp dport 80 dnat to 10.0.0.2:8080\n ip daddr 10.96.0.1 udp dport 53 dnat to 10.0.0.2:5353\n}\n}',
    });
    const [from, to] = pods as [ProbeEndpoint, ProbeEndpoint];
    const address = to.addresses[0]!;
    const service = parseIp('10.96.0.1')!;
    const results = await probe(
      [
        { from, to, protocol: 'tcp', address, port: 8080, via: { address: service, port: 80 } },
        { from, to, protocol: 'udp', address, port: 5353, via: { address: service, port: 53 } },
        { from, to, protocol: 'udp', address, port: 5353, via: { address: service, port: 54 } },
      ],
      { timeoutMs: 100 },
    );
    expect(results.map(({ verdict, evidence }) => `${verdict} ${evidence}`)).toEqual([
      'allowed connected',
      'allowed arrived',
      'denied silence',
    ]);
  });

  it('says error, not denied, for an attempt that cannot be made', async () => {
    const [from, to] = pods as [ProbeEndpoint, ProbeEndpoint];
    const address = to.addresses[0]!;
    const ghost: ProbeEndpoint = { id: 'ghost', netns: '/nowhere', addresses: [] };
    const stranger: ProbeEndpoint = { ...from, id: 'stranger', addresses: [parseIp('10.66.6.6')!] };
    const results = await probe([
      { from: ghost, to, protocol: 'tcp', address, port: 80 },
      { from: stranger, to, protocol: 'tcp', address, port: 80 },
    ]);
    expect(results.map(({ verdict }) => verdict)).toEqual(['error', 'error']);
    expect(results[1]!.message).toContain(formatIp(parseIp('10.66.6.6')!));
  });

  it('stops when it is told to', async () => {
    nft('drop');
    const controller = new AbortController();
    const running = probe(everything(), { timeoutMs: 60_000, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });
});
