import { describe, expect, it } from 'vitest';
import { formatIp, parseCidr } from '../../base/ip/index.ts';
import type { EndpointSlice, Service } from '../kube/types.ts';
import { serviceSpec, sliceSpec } from '../service/index.ts';
import { announcements } from './announcements.ts';
import { formatInterfaces, parseInterfaces } from './members.ts';
import type { Member } from './members.ts';
import { announcedPool } from './pools.ts';

const pool = (cidr: string, announce = 'LoadBalancerIPs', interfaces?: string) => {
  const annotations = {
    'sluice.dev/announce': announce,
    ...(interfaces === undefined ? {} : { 'sluice.dev/announce-interfaces': interfaces }),
  };
  const read = announcedPool({ metadata: { annotations }, spec: { cidr } });
  if (read === undefined || 'problem' in read) throw new Error(JSON.stringify(read));
  return read.pool;
};

const service = (name: string, ips: readonly string[], spec: Partial<NonNullable<Service['spec']>> = {}) =>
  serviceSpec({
    metadata: { name, namespace: 'default' },
    spec: { type: 'LoadBalancer', clusterIP: '10.96.0.1', ports: [{ port: 80 }], ...spec },
    status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
  });

const slice = (of: string, endpoints: readonly (readonly [node: string, state: 'ready' | 'leaving' | 'dead'])[]) =>
  sliceSpec({
    addressType: 'IPv4',
    metadata: { name: `${of}-a`, namespace: 'default', labels: { 'kubernetes.io/service-name': of } },
    ports: [{ port: 8080 }],
    endpoints: endpoints.map(([nodeName, state], i) => ({
      addresses: [`10.244.0.${i + 1}`],
      nodeName,
      conditions: { ready: state === 'ready', serving: state !== 'dead', terminating: state === 'leaving' },
    })),
  } satisfies EndpointSlice)!;

const member = (node: string, ...subnets: readonly string[]): Member => ({
  node,
  interfaces: [
    { name: 'eth0', subnets: (subnets.length > 0 ? subnets : ['192.0.2.1/24']).map((text) => parseCidr(text)!) },
  ],
});

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'].map((name) => member(name));
const MANY = Array.from({ length: 250 }, (_, i) => `192.0.2.${i + 2}`);

type Input = Parameters<typeof announcements>[0];

/** `address node`; `-` where there is none. */
function decided(input: Partial<Input>): readonly string[] {
  const full = { pools: [pool('192.0.2.0/24')], services: [], slices: [], members: NODES, ...input };
  return announcements(full).map(({ address, node }) => `${formatIp(address)} ${node ?? '-'}`);
}

describe('the node that announces an address', () => {
  const services = MANY.map((ip, i) => service(`s${i}`, [ip]));

  it('is the same for all who know the same, in whatever order', () => {
    const all = decided({ services });
    expect(all).toHaveLength(MANY.length);
    expect(decided({ services: services.toReversed(), members: NODES.toReversed() })).toEqual(all);
  });

  it('changes only for addresses of a node that goes, and then they are spread over the others', () => {
    const before = decided({ services });
    const after = decided({ services, members: NODES.slice(1) });
    const moved = before.filter((each) => !after.includes(each));
    expect(moved.every((each) => each.endsWith(' n1'))).toBe(true);
    expect(after.some((each) => each.endsWith(' n1'))).toBe(false);
    // A fifth each, more or less; with hashes that cluster one node would have nearly all.
    for (const { node } of NODES) {
      const share = before.filter((each) => each.endsWith(` ${node}`)).length;
      expect(share).toBeGreaterThan(MANY.length / 10);
      expect(share).toBeLessThan(MANY.length / 3);
    }
    expect(
      new Set(moved.map((each) => after.find((one) => one.startsWith(`${each.split(' ')[0]} `))!.split(' ')[1])).size,
    ).toBe(4);
  });

  it('is on the segment whose subnet has the address, or has the interface that the pool names', () => {
    const members = [
      member('a', '192.0.2.1/24'),
      member('b', '198.51.100.1/24'),
      member('c', '198.51.100.2/24', '2001:db8::1/64'),
    ];
    const services = [service('web', ['192.0.2.9', '2001:db8::9', '203.0.113.9'])];
    const pools = ['192.0.2.0/24', '2001:db8::/64', '203.0.113.0/24'].map((cidr) => pool(cidr));
    expect(decided({ services, members, pools })).toEqual(['192.0.2.9 a', '203.0.113.9 -', '2001:db8::9 c']);
    const named = [pool('203.0.113.0/24', 'LoadBalancerIPs', 'eth1, eth0')];
    expect(decided({ services, members: members.slice(0, 1), pools: named })).toEqual(['203.0.113.9 a']);
    expect(decided({ services, members, pools: [pool('203.0.113.0/24', 'LoadBalancerIPs', 'eth1')] })).toEqual([
      '203.0.113.9 -',
    ]);
  });

  it('has endpoints under externalTrafficPolicy Local: ready ones, or else some that still serve', () => {
    const local = { externalTrafficPolicy: 'Local' };
    const services = [service('web', ['192.0.2.9'], local)];
    const node = (...endpoints: Parameters<typeof slice>[1]) =>
      decided({ services, slices: [slice('web', endpoints)] });
    for (const each of ['n1', 'n2', 'n3'])
      expect(node([each, 'ready'], ['n4', 'leaving'])).toEqual([`192.0.2.9 ${each}`]);
    expect(node(['n4', 'leaving'], ['n5', 'dead'])).toEqual(['192.0.2.9 n4']);
    expect(node(['n5', 'dead'])).toEqual(['192.0.2.9 -']);
    // Where two Services share an address, it has those of both.
    const both = [...services, service('api', ['192.0.2.9'], local)];
    const slices = [
      slice('web', [
        ['n1', 'ready'],
        ['n2', 'ready'],
      ]),
      slice('api', [
        ['n2', 'ready'],
        ['n3', 'ready'],
      ]),
    ];
    expect(decided({ services: both, slices })).toEqual(['192.0.2.9 n2']);
  });

  it('is not asked for where the pool does not say so', () => {
    const services = [service('web', ['192.0.2.9'], { externalIPs: ['192.0.2.10', '10.96.0.1'] })];
    const addresses = (announce: string) =>
      decided({ services, pools: [pool('0.0.0.0/0', announce)] }).map((each) => each.split(' ')[0]);
    expect(addresses('LoadBalancerIPs')).toEqual(['192.0.2.9']);
    expect(addresses('ExternalIPs')).toEqual(['192.0.2.10']);
    expect(addresses(' ExternalIPs ,LoadBalancerIPs')).toEqual(['192.0.2.9', '192.0.2.10']);
    expect(decided({ services, pools: [] })).toEqual([]);
  });
});

it.each([
  [{}, undefined],
  [{ 'sluice.dev/announce': ' ' }, undefined],
  [{ 'sluice.dev/announce': 'true' }, /knows LoadBalancerIPs and ExternalIPs, not "true"/],
])('a pool with annotations %o announces nothing', (annotations, problem) => {
  const read = announcedPool({ metadata: { annotations }, spec: { cidr: '192.0.2.0/24' } });
  if (problem === undefined) expect(read).toBeUndefined();
  else expect(read).toEqual({ problem: expect.stringMatching(problem) as string });
});

it('a pool whose range cannot be read announces nothing', () => {
  const annotations = { 'sluice.dev/announce': 'LoadBalancerIPs' };
  expect(announcedPool({ metadata: { annotations } })).toEqual({ problem: 'its range "" cannot be read' });
});

it('interfaces are the same after a Lease has carried them, and a text that is none carries none', () => {
  const interfaces = [
    { name: 'eth1', subnets: [parseCidr('2001:db8::1/64')!] },
    { name: 'eth0', subnets: [parseCidr('192.0.2.2/24')!, parseCidr('192.0.2.1/24')!] },
  ];
  const text = formatInterfaces(interfaces);
  expect(text).toBe('{"eth0":["192.0.2.1/24","192.0.2.2/24"],"eth1":["2001:db8::1/64"]}');
  expect(formatInterfaces(parseInterfaces(text))).toBe(text);
  for (const wrong of ['', '{', 'null', '{"eth0":7}', '{"eth0":["x"]}', '[]'])
    expect(parseInterfaces(wrong).flatMap(({ subnets }) => subnets)).toEqual([]);
});
