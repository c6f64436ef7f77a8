import { describe, expect, it } from 'vitest';
import { formatIp } from '../../../base/ip/index.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import type { Converted } from './converted.ts';
import { hostEndpoint } from './host-endpoint.ts';
import { networkSet } from './network-set.ts';
import { profile } from './profile.ts';
import { DEFAULT_SETTINGS, policySettings } from './settings.ts';
import { tierSpec } from './tier.ts';

function object(kind: string, spec?: unknown, name = 'x'): PolicyObject {
  const namespaced = kind === 'NetworkSet' ? { namespace: 'n' } : {};
  return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name, labels: { a: 'b' }, ...namespaced }, spec };
}

const paths = ({ issues }: Converted<unknown>): string[] => issues.map((issue) => issue.source.path);

describe('a Tier', () => {
  it.each<[string, unknown, object, string[]]>([
    ['x', undefined, { order: Infinity, noMatch: 'deny' }, []],
    ['x', { order: 5.5, defaultAction: 'Pass' }, { order: 5.5, noMatch: 'pass' }, []],
    [
      'x',
      { order: '5', defaultAction: 'Allow' },
      { order: Infinity, noMatch: 'deny' },
      ['spec.order', 'spec.defaultAction'],
    ],
    ['default', { order: 1_000_000 }, { order: 1_000_000, noMatch: 'deny' }, []],
    ['default', {}, { order: 1_000_000, noMatch: 'deny' }, []],
    ['default', { order: 1 }, { order: 1_000_000, noMatch: 'deny' }, ['spec.order']],
    ['kube-baseline', {}, { order: 10_000_000, noMatch: 'pass' }, []],
    ['adminnetworkpolicy', { order: 1000 }, { order: 1_000, noMatch: 'pass' }, []],
    ['x', [], { order: Infinity, noMatch: 'deny' }, ['spec']],
  ])('%s %j', (name, spec, expected, issues) => {
    const converted = tierSpec(object('Tier', spec, name));
    expect(converted.value).toEqual({ name, ...expected });
    expect(paths(converted)).toEqual(issues);
  });
});

describe('a network set', () => {
  it('has its ranges by family, merged', () => {
    const { value } = networkSet(
      object('NetworkSet', { nets: ['10.0.0.0/25', '10.0.0.128/25', '10.0.1.7', 'fd00::/127'] }),
    );
    expect(value).toMatchObject({ key: 'n/x', namespace: 'n', labels: { a: 'b' } });
    expect(value!.ranges[4]).toHaveLength(2);
    expect(value!.ranges[6]).toHaveLength(1);
  });

  it('is in no namespace when it is global, whatever it says', () => {
    const global = networkSet({ ...object('GlobalNetworkSet'), metadata: { name: 'x', namespace: 'n' } });
    expect(global.value).toMatchObject({ key: 'x' });
    expect(global.value).not.toHaveProperty('namespace');
  });

  it('leaves out what is no block, and says so', () => {
    const converted = networkSet(object('GlobalNetworkSet', { nets: ['10.0.0.0/8', 'x', null], domains: [] }));
    expect(paths(converted)).toEqual(['spec.domains', 'spec.nets[1]', 'spec.nets[2]']);
    expect(converted.value!.ranges[4]).toHaveLength(1);
  });
});

describe('a HostEndpoint', () => {
  it('has its interface, addresses, ports and profiles', () => {
    const converted = hostEndpoint(
      object('HostEndpoint', {
        node: 'n1',
        interfaceName: '*',
        expectedIPs: ['10.0.0.1', 'FD00::1'],
        profiles: ['p'],
        ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
      }),
    );
    expect(paths(converted)).toEqual([]);
    expect(converted.value).toMatchObject({
      key: 'x',
      node: 'n1',
      interface: '*',
      labels: { a: 'b' },
      ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
      profiles: ['p'],
    });
    expect(converted.value!.expectedIps.map(formatIp)).toEqual(['10.0.0.1', 'fd00::1']);
  });

  it('has no interface when it is found by its addresses', () => {
    const { value } = hostEndpoint(object('HostEndpoint', { node: 'n1', expectedIPs: ['10.0.0.1'] }));
    expect(value).not.toHaveProperty('interface');
  });

  it.each<[unknown, string[]]>([
    [{ interfaceName: 'eth0' }, ['spec.node']],
    [{ node: 'n1' }, ['spec']],
    [{ node: 'n1', expectedIPs: ['x'] }, ['spec.expectedIPs[0]', 'spec']],
    [null, ['spec', 'spec.node', 'spec']],
  ])('is none when nobody can tell which: %j', (spec, issues) => {
    const converted = hostEndpoint(object('HostEndpoint', spec));
    expect(converted.value).toBeUndefined();
    expect(paths(converted)).toEqual(issues);
  });
});

describe('a Profile', () => {
  it('has rules and labels', () => {
    const converted = profile(object('Profile', { ingress: [{ action: 'Allow' }], labelsToApply: { c: 'd', e: 1 } }));
    expect(paths(converted)).toEqual(['spec.labelsToApply[e]']);
    expect(converted.value).toMatchObject({
      name: 'x',
      labels: { c: 'd' },
      ingress: [{ action: 'allow' }],
      egress: [],
    });
  });

  it('allows nothing by a rule that is not understood', () => {
    expect(profile(object('Profile', { egress: [{ action: 'Allow', http: {} }] })).value!.egress).toEqual([]);
  });
});

describe('a FelixConfiguration', () => {
  const settings = (spec: unknown) => policySettings(object('FelixConfiguration', spec, 'default'));

  it('changes only what it says', () => {
    expect(settings({ bpfEnabled: true })).toEqual({ value: DEFAULT_SETTINGS, issues: [] });
    expect(settings({ defaultEndpointToHostAction: 'Drop' }).value).toEqual({
      ...DEFAULT_SETTINGS,
      endpointToHost: 'drop',
    });
  });

  it("has Calico's own failsafe ports by default", () => {
    const list = (ports: typeof DEFAULT_SETTINGS.failsafeInbound) =>
      ports.map(({ protocol, port }) => `${protocol.toLowerCase()}:${port}`).sort();
    const common = ['tcp:179', 'tcp:2379', 'tcp:2380', 'tcp:5473', 'tcp:6443', 'tcp:6666', 'tcp:6667'];
    expect(list(DEFAULT_SETTINGS.failsafeInbound)).toEqual([...common, 'tcp:22', 'udp:68'].sort());
    expect(list(DEFAULT_SETTINGS.failsafeOutbound)).toEqual([...common, 'udp:53', 'udp:67'].sort());
  });

  it.each([
    ['ACCEPT', 'accept'],
    ['return', 'accept'],
    ['Drop', 'drop'],
    ['allow', 'drop'],
    [1, 'drop'],
  ])('%s lets pods reach their node or not: %s', (action, expected) => {
    expect(settings({ defaultEndpointToHostAction: action }).value!.endpointToHost).toBe(expected);
  });

  it.each([
    ['Drop', undefined, []],
    ['Reject', 'reject', []],
    ['Disabled', 'route', []],
    ['disabled', undefined, ['spec.serviceLoopPrevention']],
    [true, undefined, ['spec.serviceLoopPrevention']],
  ])('%s is what becomes of packets to addresses that no Service has', (value, expected, issues) => {
    const read = settings({ serviceLoopPrevention: value });
    expect(read.value!.strayServicePackets).toBe(expected);
    expect(paths(read)).toEqual(issues);
  });

  it('has the failsafe ports that it lists, none when the list is empty, the usual ones when it is none', () => {
    const read = (ports: unknown) => settings({ failsafeInboundHostPorts: ports });
    expect(read([]).value!.failsafeInbound).toEqual([]);
    expect(read('none').value!.failsafeInbound).toEqual(DEFAULT_SETTINGS.failsafeInbound);
    expect(paths(read('none'))).toEqual(['spec.failsafeInboundHostPorts']);
    expect(read([{ port: 22 }, { protocol: 'udp', port: 1, net: '10.0.0.0/8' }]).value!.failsafeInbound).toEqual([
      { protocol: 'TCP', port: 22 },
      { protocol: 'UDP', port: 1, net: '10.0.0.0/8' },
    ]);
    const broken = read([{ port: 0 }, { port: 1, protocol: 'ICMP' }, { port: 1, net: 'x' }, { port: 2 }]);
    expect(broken.value!.failsafeInbound).toEqual([{ protocol: 'TCP', port: 2 }]);
    expect(broken.issues).toHaveLength(3);
  });
});
