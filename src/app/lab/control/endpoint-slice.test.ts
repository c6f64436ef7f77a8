import type { EndpointSlice } from 'kubernetes-types/discovery/v1.d.ts';
import { describe, expect, it } from 'vitest';
import { endpointSliceController } from './endpoint-slice.ts';
import { endpointsController } from './endpoints.ts';
import type { Kinds } from './objects.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

function service(spec: Kinds['services']['spec'] = {}): Kinds['services'] {
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector: { app: 'web' }, ipFamilies: ['IPv4'], ports: [{ port: 80, targetPort: 'http' }], ...spec },
  };
}

function pod(
  name: string,
  ips: string[],
  extra: { port?: number; ready?: boolean; deleting?: boolean } = {},
): Kinds['pods'] {
  const { port = 8080, ready = true, deleting = false } = extra;
  return {
    metadata: {
      name,
      namespace: 'default',
      labels: { app: 'web' },
      ...(deleting ? { deletionTimestamp: '2024-01-01T00:00:00Z' } : {}),
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', ports: [{ name: 'http', containerPort: port }] }] },
    status: {
      phase: 'Running',
      podIPs: ips.map((ip) => ({ ip })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

function cluster(): SimulatedCluster {
  return new SimulatedCluster([endpointSliceController, endpointsController]);
}

function summary(slices: readonly EndpointSlice[]): unknown {
  return slices
    .map(({ addressType, ports, endpoints }) => ({
      addressType,
      ports: ports?.map(({ port }) => port),
      addresses: endpoints?.flatMap(({ addresses }) => addresses),
    }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

describe('EndpointSlices', () => {
  it('have one slice for each family and for each way a named port resolves', () => {
    const made = cluster();
    made.create('pods', pod('a', ['10.0.0.1', 'fd00::1']));
    made.create('pods', pod('b', ['10.0.0.2', 'fd00::2'], { port: 9090 }));
    made.create('services', service({ ipFamilies: ['IPv4', 'IPv6'] }));
    made.settle();
    expect(summary(made.list('endpointslices'))).toEqual([
      { addressType: 'IPv4', ports: [8080], addresses: ['10.0.0.1'] },
      { addressType: 'IPv4', ports: [9090], addresses: ['10.0.0.2'] },
      { addressType: 'IPv6', ports: [8080], addresses: ['fd00::1'] },
      { addressType: 'IPv6', ports: [9090], addresses: ['fd00::2'] },
    ]);
  });

  it.each([
    ['ready', {}, false, { ready: true, serving: true, terminating: false }],
    ['not ready', { ready: false }, false, { ready: false, serving: false, terminating: false }],
    ['terminating', { deleting: true }, false, { ready: false, serving: true, terminating: true }],
    ['published before it is ready', { ready: false }, true, { ready: true, serving: false, terminating: false }],
  ])('tell what state a pod is in: %s', (_name, extra, publishNotReadyAddresses, conditions) => {
    const made = cluster();
    made.create('pods', pod('a', ['10.0.0.1'], extra));
    made.create('services', service({ publishNotReadyAddresses }));
    made.settle();
    expect(made.list('endpointslices')[0]?.endpoints?.[0]?.conditions).toEqual(conditions);
  });

  it('follow pods that come, change their labels and finish, to what a fresh start would give', () => {
    const made = cluster();
    made.create('services', service());
    made.settle();
    expect(summary(made.list('endpointslices'))).toEqual([{ addressType: 'IPv4', ports: [], addresses: [] }]);
    for (let i = 1; i <= 120; i++) made.create('pods', pod(`p${i}`, [`10.0.1.${i}`]));
    made.settle();
    expect(made.list('endpointslices').map(({ endpoints }) => endpoints?.length)).toEqual([100, 20]);
    for (let i = 1; i <= 118; i++) {
      made.update('pods', `default/p${i}`, (held) =>
        i % 2 === 0
          ? { ...held, metadata: { ...held.metadata, labels: {} } }
          : { ...held, status: { ...held.status, phase: 'Succeeded' } },
      );
    }
    made.settle();
    const addresses = ['10.0.1.119', '10.0.1.120'];
    expect(summary(made.list('endpointslices'))).toEqual([{ addressType: 'IPv4', ports: [8080], addresses }]);
    expect(made.list('endpoints')[0]?.subsets?.[0]?.addresses?.map(({ ip }) => ip)).toEqual(addresses);
  });

  it('say which zone and node an endpoint is meant for, as the Service’s trafficDistribution wants it', () => {
    const made = cluster();
    const node = (zone: string): Kinds['nodes'] => ({
      metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': zone } },
    });
    made.create('nodes', node('z1'));
    made.create('pods', pod('a', ['10.0.0.1']));
    made.create('pods', pod('b', ['10.0.0.2'], { ready: false }));
    made.create('services', service({ trafficDistribution: 'PreferClose' }));
    const hints = () => {
      made.settle();
      return made.list('endpointslices')[0]?.endpoints?.map((each) => [each.zone, each.hints]);
    };
    const [z1, z2] = [[{ name: 'z1' }], [{ name: 'z2' }]];
    expect(hints()).toEqual([
      ['z1', { forZones: z1 }],
      ['z1', undefined],
    ]);
    made.update('nodes', 'node-1', (held) => ({
      ...held,
      ...node('z2'),
      metadata: { ...held.metadata, ...node('z2').metadata },
    }));
    expect(hints()?.[0]).toEqual(['z2', { forZones: z2 }]);
    made.update('services', 'default/web', (held) => ({
      ...held,
      spec: { ...held.spec, trafficDistribution: 'PreferSameNode' },
    }));
    expect(hints()?.[0]).toEqual(['z2', { forZones: z2, forNodes: [{ name: 'node-1' }] }]);
    made.update('services', 'default/web', ({ spec, ...held }) => {
      const { trafficDistribution: _, ...plain } = spec!;
      return { ...held, spec: plain };
    });
    expect(hints()?.[0]).toEqual(['z2', undefined]);
  });

  it('are divided between zones by the topology mode, until a zone has no node left', () => {
    const made = cluster();
    const node = (name: string, zone: string, status: 'True' | 'Unknown'): Kinds['nodes'] => ({
      metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
      status: { conditions: [{ type: 'Ready', status }], allocatable: { cpu: '2' } },
    });
    made.create('nodes', node('node-1', 'z1', 'True'));
    made.create('nodes', node('node-2', 'z2', 'True'));
    for (const name of ['a', 'b']) made.create('pods', pod(name, [`10.0.0.${name === 'a' ? 1 : 2}`]));
    made.create('pods', pod('c', ['10.0.0.3'], { ready: false }));
    const plain = service({ trafficDistribution: 'PreferClose' });
    const annotations = { 'service.kubernetes.io/topology-mode': 'Auto' };
    made.create('services', { ...plain, metadata: { ...plain.metadata, annotations } });
    const hints = () => {
      made.settle();
      return made.list('endpointslices')[0]?.endpoints?.map((each) => each.hints?.forZones?.map(({ name }) => name));
    };
    expect(hints()).toEqual([['z1'], ['z2'], undefined]);
    const change = (status: 'True' | 'Unknown') =>
      made.update('nodes', 'node-2', (held) => ({ ...held, status: node('node-2', 'z2', status).status! }));
    change('Unknown');
    expect(hints()).toEqual([undefined, undefined, undefined]);
    change('True');
    expect(hints()).toEqual([['z1'], ['z2'], undefined]);
  });

  it('leave Services without a selector, and slices of other owners, alone', () => {
    const made = cluster();
    made.create('services', {
      metadata: { name: 'kubernetes', namespace: 'default' },
      spec: { ports: [{ port: 443 }] },
    });
    const labels = { 'kubernetes.io/service-name': 'web' };
    made.create('endpointslices', {
      metadata: { name: 'mine', namespace: 'default', labels },
      addressType: 'IPv4',
      endpoints: [],
    });
    made.create('services', service());
    made.settle();
    expect(made.list('endpointslices').map(({ metadata }) => metadata.name)).toEqual(['mine', 'web-ipv4']);
  });
});
