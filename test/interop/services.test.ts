import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { equalIp, hostCidr } from '../../src/base/ip/index.ts';
import type { Family } from '../../src/base/ip/index.ts';
import type { Delta } from '../../src/core/calc/index.ts';
import type { NetworkPolicy } from '../../src/core/kube/types.ts';
import { normaliseNetworkPolicy } from '../../src/core/policy/index.ts';
import type { ServiceSpec } from '../../src/core/service/model.ts';
import type { BackendName } from '../../src/core/routing/index.ts';
import { ipOf, planOf, PODS } from './rig/plan.ts';
import type { NodeName, PlaceName, PodName } from './rig/plan.ts';
import { PORT, RoutedNodes } from './rig/routed-nodes.ts';

function policy(spec: NetworkPolicy['spec']): Delta {
  const { policy: value } = normaliseNetworkPolicy({ metadata: { name: 'test', namespace: 'default' }, spec: spec! });
  return { kind: 'policy', key: value.key, value };
}

const noPolicy: Delta = { kind: 'policy', key: 'NetworkPolicy/default/test' };
const PROTOCOLS = ['tcp', 'udp'] as const;

describe.each<[BackendName, Family]>([
  ['vxlan', 4],
  ['vxlan', 6],
  ['host-gw', 4],
  ['host-gw', 6],
  ['cross-subnet', 4],
  ['cross-subnet', 6],
])('Services under %s over IPv%i, with real packets', (backend, family) => {
  const plan = planOf(backend, family);
  const { ip, nodes, sourceOf } = plan;
  // What a masquerade takes on the way to an own pod; IPv6 prefers the address that is closest to the destination.
  const hairpin = family === 6 && backend !== 'host-gw' ? plan.tunnel('node-1') : ip('node-1');
  const webs = plan.pods.filter((pod) => pod.startsWith('web'));
  const at = plan.serviceIp;
  const [WEB_1, WEB_2, NOBODY, LOCAL, ALL, STICKY, LOCAL_2] = [at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
  const [OPEN, SHUT, EMPTY] = [at(8), at(9), at(20)];
  const [INSIDE, INSIDE_2, HOST, ZONED] = [at(22), at(23), at(24), at(25)];
  const guardedBy = (address: string, ...sources: readonly PlaceName[]) => ({
    guarded: { addresses: [ipOf(address)], sources: sources.map((place) => hostCidr(ipOf(ip(place)))) },
    clusterIps: [],
  });
  let rig: RoutedNodes;

  /** A Service of one port, TCP and UDP, and its endpoints. */
  function service(
    address: string,
    nodePort: number,
    endpoints: readonly PodName[],
    options: Partial<
      Pick<ServiceSpec, 'externalLocal' | 'internalLocal' | 'affinitySeconds' | 'guarded' | 'clusterIps'>
    > = {},
  ): Delta[] {
    const protocols = ['TCP', 'UDP'] as const;
    return [
      {
        kind: 'service',
        key: address,
        value: {
          key: address,
          addresses: [ipOf(address)],
          clusterIps: [ipOf(address)],
          ports: protocols.map((protocol) => ({ name: protocol, protocol, port: 80, nodePort })),
          externalLocal: false,
          ...options,
        },
      },
      {
        kind: 'slice',
        key: address,
        value: {
          key: address,
          service: address,
          ports: protocols.map((protocol) => ({ name: protocol, protocol, port: PORT })),
          endpoints: endpoints.map((pod) => ({ address: ipOf(ip(pod)), node: PODS[pod], ready: true })),
        },
      },
    ];
  }

  type SliceDelta = Extract<Delta, { kind: 'slice' }>;
  const onNode = (delta: SliceDelta, node: NodeName): SliceDelta => {
    return { ...delta, value: { ...delta.value!, endpoints: [{ address: ipOf(ip(node)), node, ready: true }] } };
  };
  /** Hints that mean one endpoint for clients of node-1, and all others for those of node-2. */
  const meantFor = (delta: SliceDelta, pod: PodName): SliceDelta => {
    const endpoints = delta.value!.endpoints.map((each) => ({
      ...each,
      nodes: [equalIp(each.address, ipOf(ip(pod))) ? 'node-1' : 'node-2'],
    }));
    return { ...delta, value: { ...delta.value!, endpoints } };
  };

  beforeAll(async () => {
    rig = await RoutedNodes.create(backend, family);
    rig.apply(
      ...webs.flatMap((pod, i) => service(plan.serviceIp(10 + i), 30_011 + i, [pod])),
      ...service(WEB_1, 30_001, ['web-1']),
      ...service(WEB_2, 30_002, ['web-2']),
      ...service(NOBODY, 30_003, []),
      ...service(LOCAL, 30_004, ['web-1', 'web-2'], { externalLocal: true }),
      ...service(ALL, 30_005, webs),
      ...service(STICKY, 30_006, webs, { affinitySeconds: 3600 }),
      ...service(LOCAL_2, 30_007, ['web-2'], { externalLocal: true }),
      // Addresses of load balancers, open to some sources alone.
      ...service(OPEN, 30_008, webs, guardedBy(OPEN, 'outside', 'client-1', 'node-1')),
      ...service(SHUT, 30_009, webs, guardedBy(SHUT, 'client-1')),
      ...service(INSIDE, 30_022, ['web-1', 'web-2'], { internalLocal: true }),
      ...service(INSIDE_2, 30_023, ['web-2'], { internalLocal: true }),
      // A pod of the host network has its node's address.
      ...service(HOST, 30_024, []).map((delta) => (delta.kind === 'slice' ? onNode(delta, 'node-2') : delta)),
      ...service(ZONED, 30_025, webs).map((delta) => (delta.kind === 'slice' ? meantFor(delta, 'web-2') : delta)),
      ...service(at(21), 30_021, webs, { affinitySeconds: 1 }),
      ...service(EMPTY, 30_010, [], { clusterIps: [] }),
    );
  });
  afterAll(() => rig?.[Symbol.asyncDispose]());

  describe.each(PROTOCOLS)('over %s', (protocol) => {
    it.each<[PlaceName, string, number, PlaceName, string]>([
      ['client-1', WEB_1, 80, 'web-1', ip('client-1')],
      ['client-1', WEB_2, 80, 'web-2', ip('client-1')],
      // A pod that reaches itself sees its node.
      ['web-1', WEB_1, 80, 'web-1', hairpin],
      ['node-1', WEB_1, 80, 'web-1', ip('node-1')],
      ['node-1', WEB_2, 80, 'web-2', sourceOf('node-1', 'node-2')],
      ['node-1', ip('node-1'), 30_001, 'web-1', ip('node-1')],
      ['node-1', ip('node-1'), 30_002, 'web-2', sourceOf('node-1', 'node-2')],
      ['client-1', ip('node-1'), 30_001, 'web-1', ip('client-1')],
      ['client-1', ip('node-1'), 30_002, 'web-2', ip('client-1')],
      ['web-1', ip('node-1'), 30_001, 'web-1', hairpin],
      ['outside', ip('node-1'), 30_004, 'web-1', ip('outside')],
      ['outside', ip('node-2'), 30_004, 'web-2', ip('outside')],
      ['client-1', ip('outside'), PORT, 'outside', ip('node-1')],
      // By another node's NodePort the cluster's own clients come as themselves, wherever the backend is.
      ['node-1', ip('node-2'), 30_001, 'web-1', ip('node-1')],
      ['client-1', ip('node-2'), 30_001, 'web-1', ip('client-1')],
      ['node-1', ip('node-2'), 30_002, 'web-2', sourceOf('node-1', 'node-2')],
      ['client-1', ip('node-2'), 30_002, 'web-2', ip('client-1')],
      ['web-1', ip('node-2'), 30_001, 'web-1', hairpin],
      // externalTrafficPolicy Local is for clients of elsewhere.
      ['node-1', ip('node-1'), 30_007, 'web-2', sourceOf('node-1', 'node-2')],
      ['client-1', ip('node-1'), 30_007, 'web-2', ip('client-1')],
      // An address that no Node object shows: it takes the way by the node, which then stands for the client.
      ['node-1', plan.unlisted('node-2'), 30_001, 'web-1', sourceOf('node-2', 'node-1')],
      ['client-1', plan.unlisted('node-2'), 30_001, 'web-1', sourceOf('node-2', 'node-1')],
    ])('%s reaches %s:%i at %s, which sees %s', async (from, address, port, name, seen) => {
      expect(await rig.ask(from, address, port, protocol)).toBe(`${name} ${seen}`);
    });

    it.each<[PlaceName, NodeName, PodName]>(
      (['node-1', 'client-1'] as const).flatMap((from) =>
        nodes.flatMap((entry) => webs.map((pod) => [from, entry, pod] as [PlaceName, NodeName, PodName])),
      ),
    )('%s by the NodePort of %s is itself to %s', async (from, entry, pod) => {
      const seen = from === 'client-1' || pod === 'web-1' ? ip(from) : sourceOf('node-1', PODS[pod]);
      expect(await rig.ask(from, ip(entry), 30_011 + webs.indexOf(pod), protocol)).toBe(`${pod} ${seen}`);
    });

    it.each(nodes.flatMap((entry) => webs.map((pod, i) => [pod, entry, 30_011 + i] as const)))(
      '%s sees the client outside that enters by %s',
      async (pod, entry, port) => {
        expect(await rig.ask('outside', ip(entry), port, protocol)).toBe(`${pod} ${ip('outside')}`);
      },
    );

    it.each(nodes)('every pod sees the client outside that comes to its Service by a route to %s', async (entry) => {
      rig.leadToServicesBy(entry);
      for (const [i, pod] of webs.entries())
        expect(await rig.ask('outside', at(10 + i), 80, protocol)).toBe(`${pod} ${ip('outside')}`);
      // Under externalTrafficPolicy Local only the pod of this node counts, if there is one.
      const local = entry === 'node-3' ? undefined : entry === 'node-1' ? 'web-1' : 'web-2';
      const asked = (address: string) => rig.ask('outside', address, 80, protocol);
      if (local !== undefined) expect(await asked(LOCAL)).toBe(`${local} ${ip('outside')}`);
      const refused = [
        NOBODY,
        EMPTY,
        ...(entry === 'node-2' ? [] : [LOCAL_2]),
        ...(local === undefined ? [LOCAL] : []),
      ];
      if (protocol === 'tcp') expect(await Promise.all(refused.map(asked))).toEqual(refused.map(() => 'ECONNREFUSED'));
      expect(await asked(OPEN)).toMatch(/^web-/);
      expect(await rig.askInVain('outside', SHUT, 80, protocol)).toBe('timeout');
    });

    it('pods and nodes use the address of a load balancer themselves, if they are among its sources', async () => {
      expect(await rig.ask('client-1', OPEN, 80, protocol)).toMatch(/^web-/);
      expect(await rig.ask('node-1', OPEN, 80, protocol)).toMatch(/^web-/);
      expect(await rig.ask('client-1', SHUT, 80, protocol)).toMatch(/^web-/);
      expect(await rig.askInVain('web-1', SHUT, 80, protocol)).toBe('timeout');
    });

    it.each<[PlaceName, string, number]>([
      ['client-1', NOBODY, 80],
      ['client-1', EMPTY, 80],
      ['node-1', NOBODY, 80],
      ['client-1', WEB_1, 81],
      ['node-1', WEB_1, 81],
      ['outside', ip('node-1'), 30_003],
      ['client-1', ip('node-1'), 30_003],
    ])('%s is refused at once by %s:%i, which nobody serves', async (from, address, port) => {
      // ICMP errors are limited by rate and given up under pressure; TCP is refused by a reset, which is not.
      if (protocol === 'tcp') expect(await rig.ask(from, address, port, protocol)).toBe('ECONNREFUSED');
      else await expect.poll(() => rig.askInVain(from, address, port, protocol)).toBe('ECONNREFUSED');
    });

    it.each<[PlaceName, string, number]>([
      ['client-1', STICKY, 80],
      ['node-1', STICKY, 80],
      ['client-1', ip('node-1'), 30_006],
      ['outside', ip('node-1'), 30_006],
      ['outside', ip(nodes.at(-1)!), 30_006],
    ])('a Service with affinity leads %s by %s:%i to one backend until that is gone', async (from, address, port) => {
      const asked = async () => (await rig.ask(from, address, port, protocol)).split(' ')[0]!;
      const first = await asked();
      expect(first).toMatch(/^web-/);
      for (let i = 0; i < 11; i++) expect(await asked()).toBe(first);
      // Others come and go; what the client has stays.
      const others = webs.filter((each) => each !== first);
      rig.apply(...service(STICKY, 30_006, [first as PodName, others[0]!], { affinitySeconds: 3600 }));
      for (let i = 0; i < 6; i++) expect(await asked()).toBe(first);
      rig.apply(...service(STICKY, 30_006, others, { affinitySeconds: 3600 }));
      const second = await asked();
      expect(others).toContain(second);
      rig.apply(...service(STICKY, 30_006, webs, { affinitySeconds: 3600 }));
      for (let i = 0; i < 6; i++) expect(await asked()).toBe(second);
    });

    it('a Service with affinity forgets a client after its time', async () => {
      const seen = new Set<string>();
      const asked = async () => seen.add(await rig.ask('client-1', at(21), 80, protocol)).size;
      await expect.poll(asked, { interval: 1200 }).toBeGreaterThan(1);
    });

    it('internalTrafficPolicy Local keeps to the node of the client', async () => {
      for (let i = 0; i < 6; i++) expect(await rig.ask('client-1', INSIDE, 80, protocol)).toMatch(/^web-1 /);
      expect(await rig.ask('node-1', INSIDE, 80, protocol)).toMatch(/^web-1 /);
      if (protocol === 'tcp') expect(await rig.ask('client-1', INSIDE_2, 80, protocol)).toBe('ECONNREFUSED');
      // By a NodePort the other policy counts.
      expect(await rig.ask('client-1', ip('node-1'), 30_023, protocol)).toMatch(/^web-2 /);
    });

    it('an endpoint of the host network is reached like others', async () => {
      expect(await rig.ask('client-1', HOST, 80, protocol)).toMatch(/^node-2 /);
      expect(await rig.ask('node-1', HOST, 80, protocol)).toMatch(/^node-2 /);
      // Its answers go by the node's own routes: they come back only to a node that stands for the client.
      expect(await rig.ask('outside', ip('node-1'), 30_024, protocol)).toMatch(/^node-2 /);
    });

    it('hints lead the clients of a node to the endpoint that is meant for them', async () => {
      for (let i = 0; i < 6; i++) expect(await rig.ask('client-1', ZONED, 80, protocol)).toMatch(/^web-2 /);
    });

    it('a Service without affinity leads a client to every backend', async () => {
      const seen = new Set<string>();
      for (let i = 0; i < 80 && seen.size < webs.length; i++)
        seen.add((await rig.ask('client-1', ALL, 80, protocol)).split(' ')[0]!);
      expect([...seen].sort()).toEqual(webs);
    });
  });

  it('are judged by policy after translation, with the real client at every node and the port of the pod', async () => {
    const block = (place: PlaceName) => ({ ipBlock: { cidr: `${ip(place)}/${family === 4 ? 32 : 128}` } });
    const allow = (place: PlaceName): Delta =>
      policy({
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [{ from: [block(place)], ports: [{ port: PORT }] }],
      });
    const entries = nodes.flatMap((node) => webs.map((pod, i) => ({ node, pod, port: 30_011 + i })));
    rig.apply(allow('outside'));
    for (const { node, pod, port } of entries)
      expect(await rig.ask('outside', ip(node), port)).toBe(`${pod} ${ip('outside')}`);
    rig.leadToServicesBy('node-1');
    expect(await rig.ask('outside', at(11), 80)).toBe(`web-2 ${ip('outside')}`);
    expect(await rig.askInVain('client-1', WEB_1, 80)).toBe('timeout');
    expect(await rig.askInVain('client-1', WEB_2, 80)).toBe('timeout');
    // A pod never blocks itself, nor its own node.
    expect(await rig.ask('web-1', WEB_1, 80)).toBe(`web-1 ${hairpin}`);
    expect(await rig.ask('node-1', WEB_1, 80)).toBe(`web-1 ${ip('node-1')}`);
    // A client of the cluster is itself, whichever node's port it uses; its own node is never kept out.
    rig.apply(allow('client-1'));
    for (const { node, pod, port } of entries) {
      expect(await rig.ask('client-1', ip(node), port)).toBe(`${pod} ${ip('client-1')}`);
      if (pod !== 'web-1') continue;
      expect(await rig.ask('node-1', ip(node), port)).toBe(`web-1 ${ip('node-1')}`);
    }
    // Allowed is the node that it enters by, not the client.
    rig.apply(allow('node-1'));
    const refused = webs.flatMap((_, i) => [
      rig.askInVain('outside', ip('node-1'), 30_011 + i),
      rig.askInVain('outside', at(10 + i), 80),
    ]);
    expect(new Set(await Promise.all(refused))).toEqual(new Set(['timeout']));
    rig.apply(noPolicy);
    expect(await rig.ask('client-1', WEB_1, 80)).toBe(`web-1 ${ip('client-1')}`);
  });

  it('serve pods that keep their address on the way out by every NodePort, too', async () => {
    rig.withoutMasquerade();
    expect(await rig.ask('client-1', ip('node-2'), PORT)).toBe(`node-2 ${ip('client-1')}`);
    const entries = [...nodes.map(ip), plan.unlisted('node-2')];
    const asked = entries.flatMap((entry) => webs.map((pod, i) => ({ entry, pod, port: 30_011 + i })));
    for (const { entry, pod, port } of asked)
      for (const protocol of PROTOCOLS) {
        const seen =
          entry !== plan.unlisted('node-2') || pod === 'web-2' ? ip('client-1') : sourceOf('node-2', PODS[pod]);
        expect(await rig.ask('client-1', entry, port, protocol)).toBe(`${pod} ${seen}`);
      }
  });
});
