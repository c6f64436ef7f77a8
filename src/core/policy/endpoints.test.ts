import { describe, expect, it } from 'vitest';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import { effectiveRanges, tunnelAliases } from './blocks.ts';
import { namespaceInfo, nodeEndpoint, podEndpoint, serviceInfo, sliceBackends } from './endpoints.ts';
import type { BlockPeer } from './model.ts';
import { normaliseNetworkPolicy } from './normalise/network-policy.ts';

describe('podEndpoint', () => {
  it('has every address of status once, and those that parse', () => {
    const status = { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }, { ip: 'none' }] };
    expect(podEndpoint({ status }).addresses.map(formatIp)).toEqual(['10.0.0.1', 'fd00::1']);
  });

  it.each(['Succeeded', 'Failed'])('has no address once %s', (phase) => {
    expect(podEndpoint({ status: { phase, podIP: '10.0.0.1' } })).toMatchObject({ completed: true, addresses: [] });
  });

  it('keeps its addresses while it terminates', () => {
    const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(podEndpoint({ metadata, status: { phase: 'Running', podIP: '10.0.0.1' } }).addresses).toHaveLength(1);
  });

  it('knows the named ports of containers and sidecars, not of other init containers', () => {
    const port = (name: string) => [{ name, containerPort: 80 }, { containerPort: 81 }];
    const containers = [{ name: 'a', ports: port('a') }];
    const initContainers = [
      { name: 'b', restartPolicy: 'Always', ports: port('b') },
      { name: 'c', ports: port('c') },
    ];
    const { ports } = podEndpoint({ spec: { containers, initContainers } });
    expect(ports).toEqual([
      { name: 'a', protocol: 'TCP', port: 80 },
      { name: 'b', protocol: 'TCP', port: 80 },
    ]);
  });
});

describe('nodeEndpoint', () => {
  it('puts InternalIPs first and keeps tunnel addresses apart', () => {
    const annotations = {
      'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.1.0',
      'projectcalico.org/IPv4Address': '172.30.1.11/24',
    };
    const addresses = [
      { type: 'Hostname', address: 'n1' },
      { type: 'ExternalIP', address: '203.0.113.1' },
      { type: 'InternalIP', address: '172.30.1.11' },
    ];
    const node = nodeEndpoint({ metadata: { name: 'n1', annotations }, status: { addresses } });
    expect(node.addresses.map(formatIp)).toEqual(['172.30.1.11', '203.0.113.1']);
    expect(node.tunnelAddresses.map(formatIp)).toEqual(['10.244.1.0']);
  });

  it('has what its agent says that it has besides, each once and last', () => {
    const annotations = {
      'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.1.0',
      'sluice.dev/addresses': '10.244.1.0,172.30.1.11,172.31.9.12,nonsense,fd00:31:9::12',
    };
    const addresses = [{ type: 'InternalIP', address: '172.30.1.11' }];
    const node = nodeEndpoint({ metadata: { name: 'n1', annotations }, status: { addresses } });
    expect(node.addresses.map(formatIp)).toEqual(['172.30.1.11', '172.31.9.12', 'fd00:31:9::12']);
  });
});

describe('effectiveRanges', () => {
  const aliases = tunnelAliases([
    nodeEndpoint({
      metadata: { name: 'n1', annotations: { 'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.1.0' } },
      status: { addresses: [{ type: 'InternalIP', address: '172.30.1.11' }] },
    }),
  ]);
  const ranges = (cidr: string, except: string[] = []) => {
    const spec = { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr, except } }] }] };
    const [rule] = normaliseNetworkPolicy({ metadata: { name: 'p' }, spec }).policy.ingress;
    return effectiveRanges((rule!.peers as readonly BlockPeer[])[0]!, aliases);
  };
  const value = (text: string) => parseIp(text)!.value;

  it('adds the tunnel address of a node whose InternalIP is in the block', () => {
    expect(ranges('172.30.1.11/32')).toEqual([
      { first: value('10.244.1.0'), last: value('10.244.1.0') },
      { first: value('172.30.1.11'), last: value('172.30.1.11') },
    ]);
  });

  it('takes it out of a block of pod addresses, and leaves a block of everything whole', () => {
    expect(ranges('10.244.1.0/31')).toEqual([{ first: value('10.244.1.1'), last: value('10.244.1.1') }]);
    expect(ranges('0.0.0.0/0')).toEqual([{ first: 0n, last: 0xffffffffn }]);
  });

  it('takes it out with an exception of the InternalIP', () => {
    const [first, second] = ranges('0.0.0.0/0', ['172.30.1.11/32']);
    expect([first!.last, second!.first]).toEqual([value('10.244.0.255'), value('10.244.1.1')]);
  });
});

describe('namespaceInfo', () => {
  it('always has the name label', () => {
    expect(namespaceInfo({ metadata: { name: 'a', labels: { x: 'y' } } }).labels).toEqual({
      x: 'y',
      'kubernetes.io/metadata.name': 'a',
    });
  });
});

describe('serviceInfo', () => {
  it('sends to its own port unless told otherwise, and has no address when headless', () => {
    const info = serviceInfo({
      metadata: { name: 's' },
      spec: { clusterIP: 'None', selector: {}, ports: [{ port: 80 }] },
    });
    expect(info).toMatchObject({
      clusterIps: [],
      type: 'ClusterIP',
      ports: [{ protocol: 'TCP', port: 80, targetPort: 80 }],
    });
    expect(info).not.toHaveProperty('selector');
  });
});

describe('sliceBackends', () => {
  it('pairs every endpoint with every port; unknown readiness is ready', () => {
    const backends = sliceBackends({
      addressType: 'IPv4',
      ports: [{ name: 'https', port: 6443 }],
      endpoints: [{ addresses: ['172.30.0.1'] }, { addresses: ['172.30.0.2'], conditions: { ready: false } }],
    });
    expect(backends.map(({ ip, port, portName, ready }) => [formatIp(ip), port, portName, ready])).toEqual([
      ['172.30.0.1', 6443, 'https', true],
      ['172.30.0.2', 6443, 'https', false],
    ]);
  });
});
