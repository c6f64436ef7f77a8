import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { formatIp, parseIp } from '../../src/base/ip/index.ts';
import type { Family } from '../../src/base/ip/index.ts';
import type { Node, Pod } from '../../src/core/kube/types.ts';
import { clusterState, PolicyEngine } from '../../src/core/policy/index.ts';
import type { PolicyObject } from '../../src/core/policy/index.ts';
import { probe } from '../../src/host/probe/probe.ts';
import { ClusterRig } from './rig/cluster-rig.ts';

const V3 = 'projectcalico.org/v3';

function node(i: number): Node {
  return {
    metadata: { name: `node-${i}`, labels: { zone: i === 0 ? 'a' : 'b' } },
    status: {
      addresses: [
        { type: 'InternalIP', address: `172.30.1.${11 + i}` },
        { type: 'InternalIP', address: `fd00:30:1::${11 + i}` },
      ],
    },
  };
}

function pod(at: number, i: number, namespace: string, app: string, port?: number): Pod {
  const ports = port === undefined ? [] : [{ name: 'web', containerPort: port }];
  return {
    metadata: { name: `${app}-${i}`, namespace, labels: { app } },
    spec: { nodeName: `node-${at}`, containers: [{ name: 'main', image: 'x', ports }] },
    status: { phase: 'Running', podIPs: [{ ip: `10.244.${at}.${i}` }, { ip: `fd00:10:244::${at}:${i}` }] },
  };
}

const policies: PolicyObject[] = [
  // The first tier: denies one client, passes another on, and minds the own node.
  clusterPolicy('deny-mallory', 'Admin', 1, { app: 'web' }, { ingress: [['Deny', 'mallory']] }),
  clusterPolicy('pass-alice', 'Admin', 2, { app: 'web' }, { ingress: [['Pass', 'alice']] }),
  clusterPolicy('accept-rest', 'Admin', 3, { app: 'web' }, { ingress: [['Accept', 'bob']] }),
  {
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: { name: 'mallory-and-nodes' },
    spec: {
      tier: 'Admin',
      priority: 4,
      subject: { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: 'mallory' } } } },
      egress: [{ action: 'Deny', to: [{ nodes: { matchLabels: { zone: 'a' } } }] }],
    },
  },
  // The tier of namespaces: order, log, a named port and negations.
  {
    apiVersion: V3,
    kind: 'NetworkPolicy',
    metadata: { name: 'early', namespace: 'shop' },
    spec: {
      order: 10,
      selector: "app == 'web'",
      ingress: [
        { action: 'Log' },
        {
          action: 'Allow',
          protocol: 'TCP',
          source: { selector: "app == 'alice'", namespaceSelector: 'all()' },
          destination: { ports: ['web'] },
        },
        {
          action: 'Allow',
          protocol: 'UDP',
          source: { selector: "app == 'alice'", namespaceSelector: 'all()' },
          destination: { notPorts: [53, '1000:2000'] },
        },
      ],
    },
  },
  {
    apiVersion: V3,
    kind: 'NetworkPolicy',
    metadata: { name: 'late', namespace: 'shop' },
    spec: {
      order: 20,
      selector: "app == 'db'",
      ingress: [
        { action: 'Allow', ipVersion: 4, source: { notNets: ['10.244.0.0/24'] } },
        { action: 'Allow', ipVersion: 6, source: { notNets: ['fd00:10:244::/112'] } },
      ],
    },
  },
  // The last tier, reached by what every tier before has passed on.
  {
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: { name: 'baseline' },
    spec: {
      tier: 'Baseline',
      priority: 1,
      subject: { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: 'bob' } } } },
      ingress: [
        { action: 'Deny', from: [{ namespaces: {} }], protocols: [{ tcp: { destinationPort: { number: 81 } } }] },
      ],
    },
  },
];

function clusterPolicy(
  name: string,
  tier: string,
  priority: number,
  subject: Record<string, string>,
  { ingress }: { readonly ingress: readonly (readonly [action: string, app: string])[] },
): PolicyObject {
  const pods = (labels: Record<string, string>) => ({
    pods: { namespaceSelector: {}, podSelector: { matchLabels: labels } },
  });
  const rules = ingress.map(([action, app]) => ({ action, from: [pods({ app })] }));
  return {
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: { name },
    spec: { tier, priority, subject: pods(subject), ingress: rules },
  };
}

const state = clusterState({
  namespaces: ['shop', 'people'].map((name) => ({ metadata: { name } })),
  nodes: [node(0), node(1)],
  pods: [
    pod(0, 2, 'shop', 'web', 8080),
    pod(1, 3, 'shop', 'db'),
    pod(0, 4, 'people', 'alice'),
    pod(1, 5, 'people', 'bob'),
    pod(0, 6, 'people', 'mallory'),
  ],
  policies,
});

let rig: ClusterRig;

beforeAll(async () => {
  rig = await ClusterRig.create(state);
});

afterAll(() => rig[Symbol.asyncDispose]());

test('the policies are understood', () => expect(state.issues).toEqual([]));

describe('real packets under policies of several APIs', () => {
  it.each<[string, string, string, 'tcp' | 'udp' | 'icmp', number, boolean]>([
    ['an admin deny comes before all', 'people/mallory-6', 'shop/web-2', 'tcp', 8080, false],
    ['an admin accept makes an end', 'people/bob-5', 'shop/web-2', 'tcp', 9, true],
    ['a pass leads to the next tier, which allows', 'people/alice-4', 'shop/web-2', 'tcp', 8080, true],
    ['a pass leads to the next tier, which denies', 'people/alice-4', 'shop/web-2', 'tcp', 80, false],
    ['a port that is excluded', 'people/alice-4', 'shop/web-2', 'udp', 53, false],
    ['a range that is excluded', 'people/alice-4', 'shop/web-2', 'udp', 1500, false],
    ['a port that is not excluded', 'people/alice-4', 'shop/web-2', 'udp', 54, true],
    ['a protocol without ports is not allowed with them', 'people/alice-4', 'shop/web-2', 'icmp', 0, false],
    ['no rule of the tier matches', 'outside', 'shop/web-2', 'tcp', 8080, false],
    ['a source outside the excluded blocks', 'people/bob-5', 'shop/db-3', 'tcp', 5432, true],
    ['a source inside an excluded block', 'people/alice-4', 'shop/db-3', 'tcp', 5432, false],
    ['the world outside is in no excluded block', 'outside', 'shop/db-3', 'icmp', 0, true],
    ['the baseline denies last', 'people/alice-4', 'people/bob-5', 'tcp', 81, false],
    ['past the last tier all is allowed', 'people/alice-4', 'people/bob-5', 'tcp', 80, true],
    ['a pod to its own node, denied', 'people/mallory-6', 'node-0', 'tcp', 22, false],
    ['a pod to its own node, ping denied', 'people/mallory-6', 'node-0', 'icmp', 0, false],
    ['a pod to another node, allowed', 'people/mallory-6', 'node-1', 'tcp', 22, true],
    ['another pod to its own node', 'people/alice-4', 'node-0', 'tcp', 22, true],
    ['a node to its own pod, always', 'node-0', 'shop/web-2', 'tcp', 80, true],
    ['another node to a pod', 'node-1', 'shop/web-2', 'tcp', 8080, false],
  ])('%s: %s > %s %s/%i', async (_, from, to, protocol, port, expected) => {
    const place = (name: string) => {
      const found = rig.places.find((each) => each.name === name)!;
      return { ...found, id: name };
    };
    const attempts = place(to).addresses.map((address) => ({
      from: place(from),
      to: place(to),
      protocol,
      address,
      port,
    }));
    const seen = (await probe(attempts)).map(({ attempt, verdict }) => `${formatIp(attempt.address)} ${verdict}`);
    expect(seen).toEqual(attempts.map(({ address }) => `${formatIp(address)} ${expected ? 'allowed' : 'denied'}`));
    expect(([4, 6] as const).map((family) => predicted(from, to, protocol, port, family))).toEqual([
      expected,
      expected,
    ]);
  });
});

/** What the policy engine says. */
function predicted(from: string, to: string, protocol: 'tcp' | 'udp' | 'icmp', port: number, family: Family): boolean {
  const engine = new PolicyEngine(state);
  const outside = parseIp(family === 4 ? '203.0.113.10' : '2001:db8:113::10')!;
  const party = (name: string) => {
    const known = state.pods.get(name);
    if (known !== undefined) return engine.pod(known, family);
    const at = state.nodes.get(name);
    return at === undefined ? engine.address(outside) : engine.node(at, family);
  };
  return engine.evaluate({
    source: party(from),
    destination: party(to),
    family,
    protocol: protocol.toUpperCase() as 'TCP' | 'UDP' | 'ICMP',
    ...(protocol === 'icmp' ? {} : { port }),
  }).allowed;
}
