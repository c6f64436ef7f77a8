import type { NetworkPolicy, NetworkPolicyPeer, Namespace, Node, Pod } from '../src/core/kube/types.ts';

/** The Kubernetes objects of a generated cluster, as an API server would send them. */
export interface GeneratedCluster {
  readonly namespaces: Namespace[];
  readonly nodes: Node[];
  readonly pods: Pod[];
  readonly networkPolicies: NetworkPolicy[];
}

const APPS = ['frontend', 'api', 'worker', 'db', 'cache'] as const;
const REPLICAS = 4;
const PODS_PER_NODE = 50;
/** Teams, whatever the size of the cluster: what one team may do grows with the square. */
const TEAMS = 10;

/**
 * A cluster of `namespaces` namespaces with 20 pods each (five workloads of four replicas) and six policies each: one
 * denies everything in both directions, five allow. Beside them the three namespaces that every cluster has: cluster DNS,
 * ingress and monitoring.
 */
export function generateCluster(namespaces: number): GeneratedCluster {
  const cluster: GeneratedCluster = { namespaces: [], nodes: [], pods: [], networkPolicies: [] };
  addInfrastructure(cluster);
  for (let n = 0; n < namespaces; n++) {
    const name = `ns-${n}`;
    const team = `team-${n % TEAMS}`;
    cluster.namespaces.push({ metadata: { name, labels: { team, env: n % 3 === 0 ? 'prod' : 'test' } } });
    for (const app of APPS) for (let i = 0; i < REPLICAS; i++) addPod(cluster, name, app, i, `${n}${app.length}`);
    cluster.networkPolicies.push(...policiesOf(name, team));
  }
  return cluster;
}

/** The policy of `cluster` that a benchmark of changes changes, with one more port open. */
export function changedPolicy(policy: NetworkPolicy): NetworkPolicy {
  const [rule, ...others] = policy.spec?.ingress ?? [];
  const ports = [...(rule?.ports ?? []), { protocol: 'TCP', port: 9443 }];
  return { ...policy, spec: { ...policy.spec!, ingress: [{ ...rule, ports }, ...others] } };
}

function addInfrastructure(cluster: GeneratedCluster): void {
  for (const [name, role, app] of [
    ['kube-system', 'dns', 'kube-dns'],
    ['ingress-nginx', 'ingress', 'ingress'],
    ['monitoring', 'monitoring', 'prometheus'],
  ] as const) {
    cluster.namespaces.push({ metadata: { name, labels: { role } } });
    for (let i = 0; i < 2; i++) addPod(cluster, name, app, i, role);
  }
}

function addPod(
  { pods, nodes }: GeneratedCluster,
  namespace: string,
  app: string,
  replica: number,
  hash: string,
): void {
  const n = pods.length;
  if (n % PODS_PER_NODE === 0) addNode(nodes);
  const [a, b, c] = [64 + (n >> 16), (n >> 8) & 0xff, n & 0xff];
  pods.push({
    metadata: { name: `${app}-${hash}-${replica}`, namespace, labels: { app, 'pod-template-hash': hash } },
    spec: {
      nodeName: nodes.at(-1)!.metadata!.name!,
      containers: [
        {
          name: 'main',
          image: app,
          ports: [
            { name: 'http', containerPort: app === 'frontend' ? 80 : 8080 },
            { name: 'metrics', containerPort: 9090 },
          ],
        },
      ],
    },
    status: { phase: 'Running', podIPs: [{ ip: `10.${a}.${b}.${c}` }] },
  });
}

function addNode(nodes: Node[]): void {
  const n = nodes.length;
  nodes.push({
    metadata: { name: `node-${n}` },
    status: { addresses: [{ type: 'InternalIP', address: `172.16.${n >> 8}.${n & 0xff}` }] },
  });
}

function policiesOf(namespace: string, team: string): NetworkPolicy[] {
  const http = [{ protocol: 'TCP', port: 'http' }];
  const ownTeam = (app: string): NetworkPolicyPeer => ({
    namespaceSelector: { matchLabels: { team } },
    podSelector: { matchLabels: { app } },
  });
  const own = (app: string): NetworkPolicyPeer => ({ podSelector: { matchLabels: { app } } });
  const outside = { ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] } };
  const policy = (name: string, spec: NonNullable<NetworkPolicy['spec']>): NetworkPolicy => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec,
  });
  return [
    policy('default-deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
    policy('dns-and-metrics', {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { from: [{ namespaceSelector: { matchLabels: { role: 'monitoring' } } }], ports: [{ port: 'metrics' }] },
      ],
      egress: [
        {
          to: [
            { namespaceSelector: { matchLabels: { role: 'dns' } }, podSelector: { matchLabels: { app: 'kube-dns' } } },
          ],
          ports: [
            { protocol: 'UDP', port: 53 },
            { protocol: 'TCP', port: 53 },
          ],
        },
      ],
    }),
    policy('frontend', {
      podSelector: { matchLabels: { app: 'frontend' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [{ namespaceSelector: { matchLabels: { role: 'ingress' } } }, outside], ports: http }],
      egress: [{ to: [own('api'), ownTeam('api')], ports: http }],
    }),
    policy('api', {
      podSelector: { matchLabels: { app: 'api' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [own('frontend'), own('worker'), ownTeam('frontend')], ports: http }],
      egress: [
        { to: [own('db')], ports: [{ port: 5432 }] },
        { to: [own('cache')], ports: [{ port: 6379 }] },
      ],
    }),
    policy('worker', {
      podSelector: { matchLabels: { app: 'worker' } },
      policyTypes: ['Egress'],
      egress: [
        { to: [own('api'), own('db'), own('cache')] },
        { to: [outside], ports: [{ port: 443 }, { port: 8000, endPort: 8099 }] },
      ],
    }),
    policy('storage', {
      podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['db', 'cache'] }] },
      policyTypes: ['Ingress'],
      ingress: [
        { from: [own('api'), own('worker')], ports: [{ port: 5432 }, { port: 6379 }] },
        { from: [own('db'), own('cache')] },
      ],
    }),
  ];
}
