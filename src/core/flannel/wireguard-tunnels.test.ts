import { describe, expect, it } from 'vitest';
import { formatCidr, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { LeaseReading } from './lease.ts';
import type { FlannelWireguardMode } from './net-conf-wireguard.ts';
import { wireguardTunnels } from './wireguard-tunnels.ts';
import type { WireguardNetConf } from './wireguard-tunnels.ts';

const keyOf = (letter: string): string => Buffer.from(letter.repeat(32)).toString('base64');

function conf(mode: FlannelWireguardMode): WireguardNetConf {
  const networks = { 4: parseCidr('10.244.0.0/16')!, 6: parseCidr('fd00:10:244::/56')! };
  const backend = { type: 'wireguard', mode, ports: { 4: 51820, 6: 51821 }, keepaliveSeconds: 0, mtu: 0 } as const;
  return { networks, backend };
}

function lease(n: number, key: string, publicIps: readonly string[], backendType = 'wireguard'): LeaseReading {
  const families = publicIps.map((text) => {
    const publicIp = parseIp(text)!;
    const subnet = parseCidr(publicIp.family === 4 ? `10.244.${n}.0/24` : `fd00:10:244:${n}::/64`)!;
    return [publicIp.family, { subnet, publicIp, publicKey: key }] as const;
  });
  return { lease: { backendType, families: Object.fromEntries(families) }, problems: [] };
}

function told(mode: FlannelWireguardMode, leases: Readonly<Record<string, LeaseReading>>) {
  const { tunnels, problems } = wireguardTunnels(conf(mode), 'n1', new Map(Object.entries(leases)));
  const peers = tunnels.map(({ device, port, peers: all }) => [
    device,
    port,
    ...all.map(({ node, endpoint, allowedIps }) =>
      [node, formatIp(endpoint.ip), endpoint.port, ...allowedIps.map(formatCidr)].join(' '),
    ),
  ]);
  return { peers, problems: problems.map(({ peer, message }) => `${peer}: ${message}`) };
}

const own = (...publicIps: readonly string[]) => ({ n1: lease(1, keyOf('a'), publicIps) });

describe('the tunnels of a flannel network that WireGuard carries', () => {
  it('are one of each family, to all that speak it', () => {
    const leases = {
      ...own('192.0.2.1', '2001:db8::1'),
      n2: lease(2, keyOf('b'), ['192.0.2.2', '2001:db8::2']),
      n3: lease(3, keyOf('c'), ['2001:db8::3']),
      n4: lease(4, keyOf('d'), ['192.0.2.4'], 'vxlan'),
    };
    expect(told('separate', leases).peers).toEqual([
      ['fl-wg.sluice', 51820, 'n2 192.0.2.2 51820 10.244.2.0/24'],
      ['fl-wg-v6.sluice', 51821, 'n2 2001:db8::2 51821 fd00:10:244:2::/64', 'n3 2001:db8::3 51821 fd00:10:244:3::/64'],
    ]);
  });

  it.each([
    ['ipv4', ['192.0.2.1', '2001:db8::1'], ['192.0.2.2', '2001:db8::2'], '192.0.2.2'],
    ['ipv6', ['192.0.2.1', '2001:db8::1'], ['192.0.2.2', '2001:db8::2'], '2001:db8::2'],
    ['auto', ['10.0.0.1', '2001:db8::1'], ['192.0.2.2', '2001:db8::2'], '192.0.2.2'],
    ['auto', ['2001:db8::1'], ['192.0.2.2', '2001:db8::2'], '2001:db8::2'],
    ['auto', ['10.0.0.1', '2001:db8::1'], ['10.0.0.2', '2001:db8::2'], '2001:db8::2'],
    ['auto', ['10.0.0.1', 'fd00::1'], ['10.0.0.2', '2001:db8::2'], '10.0.0.2'],
    ['auto', ['10.0.0.1', 'fd00::1'], ['172.31.0.2', 'fd00::2'], '172.31.0.2'],
  ] as const)('are one for both in mode %s: from %j to %j over %s', (mode, mine, theirs, endpoint) => {
    const { peers } = told(mode, { ...own(...mine), n2: lease(2, keyOf('b'), theirs) });
    expect(peers).toEqual([['fl-wg.sluice', 51820, `n2 ${endpoint} 51820 fd00:10:244:2::/64 10.244.2.0/24`]]);
  });

  it('lead to a machine that has another name than before with all that was either name’s', () => {
    const leases = {
      ...own('192.0.2.1'),
      n2: lease(2, keyOf('b'), ['192.0.2.2']),
      n3: lease(3, keyOf('b'), ['192.0.2.2']),
      n4: lease(4, keyOf('a'), ['192.0.2.1']),
    };
    const { peers, problems } = told('separate', leases);
    expect(peers.map((each) => each.slice(2))).toEqual([['n3 192.0.2.2 51820 10.244.2.0/24 10.244.3.0/24'], []]);
    expect(problems).toEqual([]);
  });

  it('leave nodes out that have one key at several places, and name them', () => {
    const leases = {
      ...own('192.0.2.1'),
      n2: lease(2, keyOf('b'), ['192.0.2.2']),
      n3: lease(3, keyOf('b'), ['192.0.2.3']),
      n4: lease(4, keyOf('a'), ['192.0.2.4']),
    };
    const { peers, problems } = told('separate', leases);
    expect(peers.map((each) => each.slice(2))).toEqual([[], []]);
    expect(problems).toEqual([
      expect.stringMatching(/^n4: nodes n1, n4 of flannel's network have the same WireGuard key/u),
      expect.stringMatching(/^n2: nodes n2, n3 of flannel's network have the same WireGuard key/u),
    ]);
  });
});
