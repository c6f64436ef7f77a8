import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManifests } from '../kube/yaml.ts';
import { clusterObjects } from './cluster-objects.ts';
import { clusterState } from './cluster-state.ts';
import { PolicyEngine } from './evaluate.ts';

const TEMPLATE = {
  metadata: { labels: { app: 'a' } },
  spec: { serviceAccountName: 's', containers: [{ name: 'x', ports: [{ name: 'h', containerPort: 80 }] }] },
};

/** One of each kind that verdicts are made of, by kind. */
const OBJECTS: Readonly<Record<string, object>> = {
  'v1/Pod': {
    metadata: {
      name: 'a',
      namespace: 'n',
      labels: { app: 'a' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'a-1', controller: true }],
    },
    spec: TEMPLATE.spec,
    status: { podIPs: [{ ip: '10.0.0.1' }], conditions: [{ type: 'Ready', status: 'True' }] },
  },
  'apps/v1/Deployment': {
    metadata: { name: 'd' },
    spec: { selector: { matchLabels: { app: 'a' } }, template: TEMPLATE },
  },
  'batch/v1/CronJob': { metadata: { name: 'c' }, spec: { jobTemplate: { spec: { template: TEMPLATE } } } },
  'v1/Service': {
    metadata: { name: 's', namespace: 'n' },
    spec: { selector: { app: 'a' }, clusterIPs: ['10.96.0.1'], ports: [{ name: 'h', port: 80, targetPort: 'h' }] },
    status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } },
  },
  'v1/Node': {
    metadata: { name: 'k', annotations: {} },
    status: { addresses: [{ type: 'InternalIP', address: '10.1.0.1' }] },
  },
  'v1/Namespace': { metadata: { name: 'n', labels: { team: 'a' } } },
  'v1/ServiceAccount': { metadata: { name: 's', namespace: 'n', labels: { role: 'a' } } },
  'discovery.k8s.io/v1/EndpointSlice': {
    metadata: { name: 's-1', namespace: 'n', labels: { 'kubernetes.io/service-name': 's' } },
    ports: [{ name: 'h', port: 80 }],
    endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
  },
  'networking.k8s.io/v1/NetworkPolicy': {
    metadata: { name: 'p', namespace: 'n' },
    spec: {
      podSelector: { matchLabels: { app: 'a' } },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: 80, protocol: 'TCP' }] }],
    },
  },
  'projectcalico.org/v3/GlobalNetworkPolicy': {
    metadata: { name: 'g' },
    spec: {
      selector: "app == 'a'",
      types: ['Ingress'],
      ingress: [{ action: 'Deny', protocol: 'TCP', source: { nets: ['10.0.0.0/8'], selector: 'all()' } }],
    },
  },
  'projectcalico.org/v3/Tier': { metadata: { name: 't' }, spec: { order: 1, defaultAction: 'Pass' } },
  'projectcalico.org/v3/NetworkSet': {
    metadata: { name: 'w', namespace: 'n', labels: {} },
    spec: { nets: ['10.0.0.0/8'] },
  },
  'projectcalico.org/v3/HostEndpoint': {
    metadata: { name: 'h', labels: { app: 'h' } },
    spec: {
      node: 'k',
      interfaceName: '*',
      expectedIPs: ['10.1.0.1'],
      profiles: ['f'],
      ports: [{ name: 'x', port: 1, protocol: 'TCP' }],
    },
  },
  'projectcalico.org/v3/Profile': {
    metadata: { name: 'f' },
    spec: { ingress: [{ action: 'Allow' }], labelsToApply: { a: 'b' } },
  },
  'projectcalico.org/v3/FelixConfiguration': {
    metadata: { name: 'default' },
    spec: { defaultEndpointToHostAction: 'Drop', failsafeInboundHostPorts: [{ protocol: 'TCP', port: 22 }] },
  },
  'policy.networking.k8s.io/v1alpha1/AdminNetworkPolicy': {
    metadata: { name: 'x' },
    spec: {
      priority: 5,
      subject: { namespaces: { matchLabels: { team: 'a' } } },
      ingress: [
        {
          name: 'r',
          action: 'Deny',
          from: [{ namespaces: {} }],
          ports: [{ portNumber: { protocol: 'TCP', port: 80 } }],
        },
      ],
    },
  },
  'policy.networking.k8s.io/v1alpha2/ClusterNetworkPolicy': {
    metadata: { name: 'y' },
    spec: {
      tier: 'Admin',
      priority: 5,
      subject: { pods: { namespaceSelector: {}, podSelector: {} } },
      egress: [{ action: 'Accept', to: [{ networks: ['10.0.0.0/8'] }] }],
    },
  },
};

/** Something else in one place of the value, however deep. */
function spoilt(value: object): fc.Arbitrary<unknown> {
  const junk = fc.constantFrom<unknown[]>(null, 0, -1, 'x', '', true, [], {}, [null], { a: null }, [['x']]);
  const places = placesOf(value);
  return fc.tuple(fc.constantFrom(...places), junk).map(([place, other]) => replaced(value, place, other));
}

function placesOf(value: object): string[][] {
  return Object.entries(value).flatMap(([key, child]: [string, unknown]) => [
    [key],
    ...(typeof child === 'object' && child !== null ? placesOf(child).map((rest) => [key, ...rest]) : []),
  ]);
}

function replaced(value: unknown, [key, ...rest]: readonly string[], other: unknown): unknown {
  if (key === undefined) return other;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, other);
  return copy;
}

describe('a cluster of objects that nobody has checked', () => {
  it('is read without throwing, whatever stands where', () => {
    const kinds = Object.keys(OBJECTS);
    const broken = fc.constantFrom(...kinds).chain((kind) => fc.tuple(fc.constant(kind), spoilt(OBJECTS[kind]!)));
    fc.assert(
      fc.property(fc.array(broken, { minLength: 1, maxLength: 3 }), (spoiltObjects) => {
        const all = [...Object.entries(OBJECTS), ...spoiltObjects].map(([kind, object]) => {
          const at = kind.lastIndexOf('/');
          return JSON.stringify({ apiVersion: kind.slice(0, at), kind: kind.slice(at + 1), ...(object as object) });
        });
        const { objects, locate } = clusterObjects(parseManifests(all.join('\n---\n'), 'x').manifests);
        const engine = new PolicyEngine(clusterState(objects, locate));
        const pods = [...engine.state.pods.values()];
        for (const source of pods)
          for (const destination of pods) {
            const [from, to] = [engine.pod(source, 4), engine.pod(destination, 4)];
            expect(engine.evaluate({ source: from, destination: to, protocol: 'TCP', port: 80 }).allowed).toBeDefined();
          }
      }),
      { numRuns: 1000 },
    );
  });
});
