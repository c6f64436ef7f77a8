import { describe, expect, it } from 'vitest';
import { parseManifests } from '../kube/yaml.ts';
import { clusterObjects } from './cluster-objects.ts';
import { clusterState } from './cluster-state.ts';
import type { ClusterState } from './cluster.ts';

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: runner
      containers:
        - {name: main, ports: [{name: http, containerPort: 8080}]}
`;

const CRON_JOB = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: web, namespace: shop}
spec:
  schedule: '@daily'
  jobTemplate: {spec: {template: {metadata: {labels: {app: report}}, spec: {containers: []}}}}
`;

function podOf(workload: string, labels: string, name = 'web-5d9-x'): string {
  return `
apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: shop
  labels: ${labels}
  ownerReferences: [${workload}]
status: {podIPs: [{ip: 10.0.0.1}]}
`;
}

function read(...documents: readonly string[]) {
  const { manifests, issues } = parseManifests(documents.join('\n---\n'), 'all.yaml');
  expect(issues).toEqual([]);
  return clusterObjects(manifests);
}

function stateOf(...documents: readonly string[]): ClusterState {
  const { objects, locate } = read(...documents);
  return clusterState(objects, locate);
}

describe('a cluster from manifests', () => {
  it('has for each workload one pod, with all that policy asks of pods but an address', () => {
    const { pods, namespaces } = stateOf(DEPLOYMENT);
    expect(pods.get('shop/web')).toMatchObject({
      labels: { app: 'web' },
      serviceAccount: 'runner',
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
      workload: { kind: 'Deployment', name: 'web' },
      addresses: [],
      ready: true,
    });
    expect(namespaces.get('shop')?.labels).toEqual({ 'kubernetes.io/metadata.name': 'shop' });
  });

  it('gives the pods of a Job its name as a label, as its controller does', () => {
    const job =
      'apiVersion: batch/v1\nkind: Job\nmetadata: {name: load, namespace: shop}\nspec: {template: {metadata: {labels: {app: load}}, spec: {containers: []}}}';
    expect(stateOf(job).pods.get('shop/load')?.labels).toEqual({
      app: 'load',
      'batch.kubernetes.io/job-name': 'load',
      'job-name': 'load',
    });
  });

  it('tells two workloads of one name apart', () => {
    expect([...stateOf(DEPLOYMENT, CRON_JOB).pods.keys()]).toEqual(['shop/web', 'shop/web-cronjob']);
  });

  it.each([
    [
      'its ReplicaSet has',
      podOf('{kind: ReplicaSet, name: web-5d9, controller: true}', '{app: web, pod-template-hash: 5d9}'),
    ],
    ['match its selector', podOf('{kind: ReplicaSet, name: other, controller: true}', '{app: web}')],
  ])('has no pod for a Deployment when pods are there that %s', (_, pod) => {
    expect([...stateOf(DEPLOYMENT, pod).pods.keys()]).toEqual(['shop/web-5d9-x']);
  });

  it('has one all the same when pods are there that match and are nobody’s', () => {
    const bare = podOf('', '{app: web}', 'bare').replace('[]', '[]');
    expect([...stateOf(DEPLOYMENT, bare).pods.keys()].sort()).toEqual(['shop/bare', 'shop/web']);
  });

  it('knows a Deployment by its pods, and a pod without status as running', () => {
    const owned = podOf('{kind: ReplicaSet, name: web-5d9, controller: true}', '{app: web, pod-template-hash: 5d9}');
    expect(stateOf(owned).pods.get('shop/web-5d9-x')?.workload).toEqual({ kind: 'Deployment', name: 'web' });
    const written = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}';
    expect(stateOf(written).pods.get('default/a')).toMatchObject({ ready: true, addresses: [] });
  });

  it.each([
    ['an empty status', 'status: {}', true],
    ['nothing but addresses', 'status: {podIPs: [{ip: 10.0.0.1}]}', true],
    ['no conditions yet runs', 'status: {phase: Running, podIP: 10.0.0.1, conditions: []}', true],
    ['a phase before it runs', 'status: {phase: Pending}', false],
    ['conditions', 'status: {podIP: 10.0.0.1, conditions: [{type: Ready, status: "False"}]}', false],
  ])('counts a pod with %s as ready: %s %s', (_, status, ready) => {
    const written = `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n${status}`;
    expect(stateOf(written).pods.get('default/a')?.ready).toBe(ready);
  });

  it('has no pod for a workload that another one makes', () => {
    const owned = DEPLOYMENT.replace('Deployment', 'ReplicaSet').replace(
      'namespace: shop}',
      'namespace: shop, ownerReferences: [{kind: Deployment, name: web, controller: true}]}',
    );
    expect(stateOf(owned).pods.size).toBe(0);
  });

  it('takes the items of lists, and policies of every API by their kind', () => {
    const list = `
apiVersion: v1
kind: List
items:
  - {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: a, namespace: x}, spec: {podSelector: {}}}
  - {apiVersion: projectcalico.org/v3, kind: Tier, metadata: {name: security}, spec: {order: 5}}
  - apiVersion: projectcalico.org/v3
    kind: GlobalNetworkPolicy
    metadata: {name: security.b}
    spec: {tier: security, types: [Ingress]}
  - apiVersion: policy.networking.k8s.io/v1alpha1
    kind: BaselineAdminNetworkPolicy
    metadata: {name: default}
    spec: {subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: other}}
`;
    const { others } = read(list);
    expect(others.map(({ object }) => object['kind'])).toEqual(['ConfigMap']);
    const state = stateOf(list);
    expect(state.issues).toEqual([]);
    expect(state.tiers.map(({ name, policies }) => [name, policies.length])).toEqual([
      ['security', 1],
      ['default', 1],
      ['kube-baseline', 1],
    ]);
    expect([...state.namespaces.keys()]).toEqual(['x']);
  });

  it('reports at its place a policy whose tier nobody declares, and leaves it out', () => {
    const policy = `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: ghost.p}
spec:
  tier: ghost
  types: [Ingress]
`;
    const { tiers, issues } = stateOf(policy);
    expect(tiers).toEqual([]);
    expect(issues.map(({ message }) => message)).toEqual(['there is no tier ghost, so the policy is not in force']);
    expect(issues[0]!.source).toMatchObject({ file: 'all.yaml', path: 'spec.tier', line: 5, column: 3 });
  });

  it('locates what it made of a workload in the workload’s template', () => {
    const { objects, locate } = read(DEPLOYMENT.trimStart());
    const [pod] = [...objects.pods!];
    expect(locate(pod!)!('metadata.labels')).toEqual({ file: 'all.yaml', line: 7, column: 16 });
  });
});
