import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseIp } from '../../src/base/ip/index.ts';
import type { Delta } from '../../src/core/calc/index.ts';
import type { NetworkPolicy } from '../../src/core/kube/types.ts';
import { normaliseNetworkPolicy } from '../../src/core/policy/index.ts';
import { NODE_IPS, OUTSIDE, PODS, PORT, TwoNodes } from './rig/two-nodes.ts';
import type { PlaceName, PodName } from './rig/two-nodes.ts';

let rig: TwoNodes;
beforeAll(async () => {
  rig = await TwoNodes.create();
}, 60_000);
afterAll(() => rig?.[Symbol.asyncDispose]());

/** A Service `name` of one port, TCP and UDP, and its endpoints. */
function service(ip: string, nodePort: number, endpoints: readonly PodName[], externalLocal = false): Delta[] {
  const protocols = ['TCP', 'UDP'] as const;
  const address = parseIp(ip)!;
  return [
    {
      kind: 'service',
      key: ip,
      value: {
        key: ip,
        addresses: [address],
        clusterIps: [address],
        ports: protocols.map((protocol) => ({ name: protocol, protocol, port: 80, nodePort })),
        externalLocal,
        affinity: false,
      },
    },
    {
      kind: 'slice',
      key: ip,
      value: {
        key: ip,
        service: ip,
        ports: protocols.map((protocol) => ({ name: protocol, protocol, port: PORT })),
        endpoints: endpoints.map((pod) => ({ address: parseIp(PODS[pod].ip)!, node: PODS[pod].node, ready: true })),
      },
    },
  ];
}

function policy(spec: NetworkPolicy['spec']): Delta {
  const { policy: value } = normaliseNetworkPolicy({ metadata: { name: 'test', namespace: 'default' }, spec: spec! });
  return { kind: 'policy', key: value.key, value };
}

const noPolicy: Delta = { kind: 'policy', key: 'NetworkPolicy/default/test' };
const [WEB_1, WEB_2, NOBODY, BOTH] = ['10.96.0.1', '10.96.0.2', '10.96.0.3', '10.96.0.4'] as const;

describe('Services, with real packets', () => {
  beforeAll(() =>
    rig.apply(
      ...service(WEB_1, 30001, ['web-1']),
      ...service(WEB_2, 30002, ['web-2']),
      ...service(NOBODY, 30003, []),
      ...service(BOTH, 30004, ['web-1', 'web-2'], true),
    ),
  );

  describe.each(['tcp', 'udp'] as const)('over %s', (protocol) => {
    it.each<[PlaceName, string, number, string, string]>([
      ['client-1', WEB_1, 80, 'web-1', PODS['client-1'].ip],
      ['client-1', WEB_2, 80, 'web-2', PODS['client-1'].ip],
      // A pod that reaches itself sees its node.
      ['web-1', WEB_1, 80, 'web-1', NODE_IPS['node-1']],
      ['node-1', WEB_1, 80, 'web-1', NODE_IPS['node-1']],
      // The node's own traffic into the overlay carries its tunnel address.
      ['node-1', WEB_2, 80, 'web-2', '10.244.1.1'],
      ['outside', NODE_IPS['node-1'], 30001, 'web-1', OUTSIDE],
      // The backend's node leads the answers back to the node that translates them.
      ['outside', NODE_IPS['node-1'], 30002, 'web-2', OUTSIDE],
      ['node-1', NODE_IPS['node-1'], 30001, 'web-1', NODE_IPS['node-1']],
      ['client-1', NODE_IPS['node-1'], 30001, 'web-1', PODS['client-1'].ip],
      ['client-1', NODE_IPS['node-1'], 30002, 'web-2', PODS['client-1'].ip],
      ['web-1', NODE_IPS['node-1'], 30001, 'web-1', NODE_IPS['node-1']],
      ['outside', NODE_IPS['node-1'], 30004, 'web-1', OUTSIDE],
      ['outside', NODE_IPS['node-2'], 30004, 'web-2', OUTSIDE],
      ['client-1', OUTSIDE, PORT, 'outside', NODE_IPS['node-1']],
      // Through another node and back: a node takes no packet from its own address out of the overlay.
      ['node-1', NODE_IPS['node-2'], 30001, 'web-1', '10.244.2.1'],
      ['client-1', NODE_IPS['node-2'], 30001, 'web-1', '10.244.2.1'],
    ])('%s reaches %s:%i at %s, which sees %s', async (from, address, port, name, seen) => {
      expect(await rig.ask(from, address, port, protocol)).toBe(`${name} ${seen}`);
    });

    it.each<[PlaceName, string, number]>([
      ['client-1', NOBODY, 80],
      ['node-1', NOBODY, 80],
      ['client-1', WEB_1, 81],
      ['node-1', WEB_1, 81],
      ['outside', NODE_IPS['node-1'], 30003],
      ['client-1', NODE_IPS['node-1'], 30003],
    ])('%s is refused at once by %s:%i, which nobody serves', async (from, address, port) => {
      expect(await rig.ask(from, address, port, protocol)).toBe('ECONNREFUSED');
    });
  });

  it('are judged by policy after translation, with the real client and the port of the pod', async () => {
    rig.apply(
      policy({
        podSelector: { matchLabels: { app: 'web' } },
        ingress: [{ from: [{ ipBlock: { cidr: `${OUTSIDE}/32` } }], ports: [{ port: PORT }] }],
      }),
    );
    expect(await rig.ask('outside', NODE_IPS['node-1'], 30001)).toBe(`web-1 ${OUTSIDE}`);
    expect(await rig.ask('outside', NODE_IPS['node-1'], 30002)).toBe(`web-2 ${OUTSIDE}`);
    expect(await rig.ask('client-1', WEB_1, 80)).toBe('timeout');
    expect(await rig.ask('client-1', WEB_2, 80)).toBe('timeout');
    // A pod never blocks itself, nor its own node.
    expect(await rig.ask('web-1', WEB_1, 80)).toBe(`web-1 ${NODE_IPS['node-1']}`);
    expect(await rig.ask('node-1', WEB_1, 80)).toBe(`web-1 ${NODE_IPS['node-1']}`);
    rig.apply(noPolicy);
    expect(await rig.ask('client-1', WEB_1, 80)).toBe(`web-1 ${PODS['client-1'].ip}`);
  });
});
