import { describe, expect, it } from 'vitest';
import { convertObject } from './convert-object.ts';
import type { JsonObject } from './conversion.ts';

function converted(object: JsonObject): JsonObject {
  const conversion = convertObject(object);
  expect(conversion).toMatchObject({ kind: 'converted' });
  return conversion.kind === 'converted' ? conversion.object : {};
}

function problems(object: JsonObject, others: readonly JsonObject[] = []): string[] {
  const conversion = convertObject(object, [object, ...others]);
  return conversion.kind === 'refused' ? conversion.problems.map(({ path }) => path) : [];
}

function calico(spec: object, metadata: object = { name: 'p', namespace: 'pro' }): JsonObject {
  return { apiVersion: 'projectcalico.org/v3', kind: 'NetworkPolicy', metadata, spec };
}

/** The `from` that an ingress rule with this source becomes. */
function from(source: object): unknown {
  const { spec } = converted(calico({ ingress: [{ action: 'Allow', source }] })) as {
    spec: { ingress: { from: unknown }[] };
  };
  return spec.ingress[0]!.from;
}

describe('convertObject', () => {
  it('leaves what is current alone', () => {
    for (const apiVersion of ['networking.k8s.io/v1', 'v1', 'projectcalico.org/v3', undefined])
      for (const kind of ['Ingress', 'ConfigMap', 'Tier', undefined])
        expect(convertObject({ apiVersion, kind })).toEqual({ kind: 'current' });
  });

  it('gives a NetworkPolicy its version and nothing else', () => {
    const spec = { podSelector: {}, egress: [{}] };
    for (const apiVersion of ['extensions/v1beta1', 'networking.k8s.io/v1beta1'])
      expect(converted({ apiVersion, kind: 'NetworkPolicy', spec })).toEqual({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        spec,
      });
  });

  it('turns an Ingress with serviceName and servicePort into one of v1', () => {
    const spec = {
      backend: { serviceName: 'fallback', servicePort: '8080' },
      tls: [{ hosts: ['a.test'], secretName: 's' }],
      rules: [
        { host: 'a.test', http: { paths: [{ path: '/x', backend: { serviceName: 'a', servicePort: 'http' } }] } },
        { http: { paths: [{ pathType: 'Exact', path: '/y', backend: { resource: { kind: 'Bucket', name: 'b' } } }] } },
        { host: 'b.test' },
      ],
    };
    expect(converted({ apiVersion: 'extensions/v1beta1', kind: 'Ingress', spec })['spec']).toEqual({
      defaultBackend: { service: { name: 'fallback', port: { number: 8080 } } },
      tls: spec.tls,
      rules: [
        {
          host: 'a.test',
          http: {
            paths: [
              {
                path: '/x',
                pathType: 'ImplementationSpecific',
                backend: { service: { name: 'a', port: { name: 'http' } } },
              },
            ],
          },
        },
        { http: { paths: [{ path: '/y', pathType: 'Exact', backend: { resource: { kind: 'Bucket', name: 'b' } } }] } },
        { host: 'b.test' },
      ],
    });
  });

  it('says which part of an Ingress it cannot read', () => {
    const spec = {
      backend: { serviceName: 'a' },
      rules: [{ http: { paths: [{ path: '/' }, { backend: { servicePort: 1 } }] } }],
    };
    expect(problems({ apiVersion: 'networking.k8s.io/v1beta1', kind: 'Ingress', spec })).toEqual([
      'spec.backend.servicePort',
      'spec.rules[0].http.paths[0].backend',
      'spec.rules[0].http.paths[1].backend.serviceName',
    ]);
  });

  it('writes down what old workloads took from their template or from defaults that have changed', () => {
    const template = { metadata: { labels: { app: 'x' } }, spec: {} };
    const daemons = { apiVersion: 'extensions/v1beta1', kind: 'DaemonSet', spec: { templateGeneration: 3, template } };
    expect(converted(daemons)).toEqual({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      spec: { updateStrategy: { type: 'OnDelete' }, selector: { matchLabels: { app: 'x' } }, template },
    });
    expect(problems({ apiVersion: 'apps/v1beta1', kind: 'Deployment', spec: { template: {} } })).toEqual([
      'spec.selector',
    ]);
  });

  it('turns an AdminNetworkPolicy into a ClusterNetworkPolicy', () => {
    const to = [{ networks: ['10.0.0.0/8'] }, { namespaces: {} }];
    const ports = [{ portNumber: { port: 80 } }, { portRange: { protocol: 'UDP', start: 5, end: 9 } }];
    const object = {
      apiVersion: 'policy.networking.k8s.io/v1alpha1',
      kind: 'AdminNetworkPolicy',
      metadata: { name: 'a', uid: '1', resourceVersion: '7' },
      spec: { priority: 5, subject: { namespaces: {} }, egress: [{ name: 'x', action: 'Allow', to, ports }] },
      status: { conditions: [] },
    };
    expect(converted(object)).toEqual({
      apiVersion: 'policy.networking.k8s.io/v1alpha2',
      kind: 'ClusterNetworkPolicy',
      metadata: { name: 'a' },
      spec: {
        tier: 'Admin',
        priority: 5,
        subject: { namespaces: {} },
        egress: [
          {
            name: 'x',
            action: 'Accept',
            to,
            protocols: [
              { tcp: { destinationPort: { number: 80 } } },
              { udp: { destinationPort: { range: { start: 5, end: 9 } } } },
            ],
          },
        ],
      },
    });
    const rule = { action: 'Deny', to };
    const many = { ...object, spec: { ...object.spec, egress: Array.from({ length: 26 }, () => rule) } };
    expect(problems(many)).toEqual(['spec.egress']);
  });

  describe('a Calico policy', () => {
    it('becomes the Kubernetes policy that says the same', () => {
      const policy = calico({
        tier: 'default',
        selector: "app == 'web' && tier in {'a', 'b'} && !has(old)",
        ingress: [
          {
            action: 'Allow',
            protocol: 6,
            source: { selector: "role == 'front'", namespaceSelector: "projectcalico.org/name == 'dev'" },
            destination: { ports: [80, '8000:8100', 'http', '90:90'] },
          },
          { action: 'Allow' },
        ],
      });
      expect(converted(policy)['spec']).toEqual({
        podSelector: {
          matchLabels: { app: 'web' },
          matchExpressions: [
            { key: 'old', operator: 'DoesNotExist' },
            { key: 'tier', operator: 'In', values: ['a', 'b'] },
          ],
        },
        policyTypes: ['Ingress'],
        ingress: [
          {
            from: [
              {
                namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'dev' } },
                podSelector: { matchLabels: { role: 'front' } },
              },
            ],
            ports: [
              { protocol: 'TCP', port: 80 },
              { protocol: 'TCP', port: 8000, endPort: 8100 },
              { protocol: 'TCP', port: 'http' },
              { protocol: 'TCP', port: 90 },
            ],
          },
          {},
        ],
      });
    });

    it.each<[string, object, unknown]>([
      ['no selector: everybody', {}, undefined],
      ['all(): every pod of the namespace', { selector: 'all()' }, [{ podSelector: {} }]],
      ['a namespaceSelector alone: every pod there', { namespaceSelector: 'all()' }, [{ namespaceSelector: {} }]],
      [
        'alternatives: a peer each',
        { selector: "a == 'b' || has(c)" },
        [
          { podSelector: { matchLabels: { a: 'b' } } },
          { podSelector: { matchExpressions: [{ key: 'c', operator: 'Exists' }] } },
        ],
      ],
      [
        'blocks, with what is left out of each',
        { nets: ['10.0.0.0/8', '192.0.2.7', '172.16.0.0/16'], notNets: ['10.1.0.0/16', '172.16.0.0/12'] },
        [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }, { ipBlock: { cidr: '192.0.2.7/32' } }],
      ],
      [
        'everything but blocks of one family: that family',
        { notNets: ['10.0.0.0/8'] },
        [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }],
      ],
    ])('%s', (_, source, expected) => expect(from(source)).toEqual(expected));

    it('applies to the directions that Calico takes it to apply to', () => {
      const types = (spec: object): unknown => (converted(calico(spec))['spec'] as JsonObject)['policyTypes'];
      const rules = [{ action: 'Allow' }];
      expect(types({})).toEqual(['Ingress']);
      expect(types({ egress: rules })).toEqual(['Egress']);
      expect(types({ ingress: rules, egress: rules })).toEqual(['Ingress', 'Egress']);
      expect(types({ types: ['Egress'], ingress: rules })).toEqual(['Egress']);
    });

    it('is told apart from what a NetworkPolicy does to traffic to the own node', () => {
      expect(convertObject(calico({ types: ['Egress'] }))).toMatchObject({ remarks: [{ path: 'spec.egress' }] });
      expect(convertObject(calico({}))).toMatchObject({ remarks: [] });
    });

    const rule = (fields: object): JsonObject => calico({ ingress: [{ action: 'Allow', ...fields }] });
    it.each<[string, JsonObject, string]>([
      ['another tier', calico({ tier: 'security' }), 'spec.tier'],
      ['a service account', calico({ serviceAccountSelector: 'has(x)' }), 'spec.serviceAccountSelector'],
      ['alternatives as subject', calico({ selector: 'has(a) || has(b)' }), 'spec.selector'],
      ['a selector that is none', calico({ selector: 'a = b' }), 'spec.selector'],
      ['a part of a label', calico({ selector: "a contains 'b'" }), 'spec.selector'],
      ['a label of Calico alone', calico({ selector: "projectcalico.org/serviceaccount == 'x'" }), 'spec.selector'],
      ['a value that is no label', calico({ selector: "a == 'b/c'" }), 'spec.selector'],
      ['an unknown field', calico({ podSelector: {} }), 'spec.podSelector'],
      ['Deny', rule({ action: 'Deny' }), 'spec.ingress[0].action'],
      ['Log', rule({ action: 'Log' }), 'spec.ingress[0].action'],
      ['ICMP', rule({ protocol: 'ICMP' }), 'spec.ingress[0].protocol'],
      ['HTTP', rule({ http: { methods: ['GET'] } }), 'spec.ingress[0].http'],
      ['ports without a protocol', rule({ destination: { ports: [80] } }), 'spec.ingress[0].protocol'],
      ['port 0', rule({ protocol: 'TCP', destination: { ports: [0] } }), 'spec.ingress[0].destination.ports[0]'],
      ['source ports', rule({ protocol: 'TCP', source: { ports: [80] } }), 'spec.ingress[0].source.ports'],
      ['who is not meant', rule({ source: { notSelector: 'has(a)' } }), 'spec.ingress[0].source.notSelector'],
      ['a selector with addresses', rule({ source: { selector: 'has(a)', nets: ['::/0'] } }), 'spec.ingress[0].source'],
      ['a selector in one family', rule({ ipVersion: 4, source: { selector: 'has(a)' } }), 'spec.ingress[0].source'],
      [
        'what is in no namespace',
        rule({ source: { namespaceSelector: 'global()' } }),
        'spec.ingress[0].source.namespaceSelector',
      ],
      [
        'blocks of which nothing is left',
        rule({ source: { nets: ['10.0.0.0/8'], notNets: ['0.0.0.0/0'] } }),
        'spec.ingress[0].source',
      ],
      ['the own side', rule({ destination: { selector: 'has(a)' } }), 'spec.ingress[0].destination.selector'],
    ])('is refused for %s', (_, policy, path) => expect(problems(policy)).toEqual([path]));

    it('is refused where a policy that denies stands between its order and that of NetworkPolicies', () => {
      const deny = (order: number, more: object = {}) =>
        calico({ order, ingress: [{ action: 'Deny' }], ...more }, { name: 'other', namespace: 'x' });
      expect(problems(calico({ order: 10 }), [deny(500)])).toEqual(['spec.order']);
      expect(problems(calico({}), [deny(5000)])).toEqual(['spec.order']);
      expect(problems(calico({ order: 10 }), [deny(5), deny(2000), deny(500, { tier: 'other' })])).toEqual([]);
    });

    it('is refused when it is a copy of a Kubernetes policy', () => {
      expect(problems(calico({}, { name: 'knp.default.web', namespace: 'pro' }))).toEqual(['metadata.name']);
    });

    it('is refused where a selector chooses a network set, too', () => {
      const set = (labels: object, namespace: string): JsonObject => ({
        apiVersion: 'projectcalico.org/v3',
        kind: 'NetworkSet',
        metadata: { name: 'partners', namespace, labels },
      });
      const here = rule({ source: { selector: "role == 'partner'" } });
      const anywhere = rule({ source: { selector: "role == 'partner'", namespaceSelector: 'all()' } });
      expect(problems(here, [set({ role: 'partner' }, 'pro')])).toEqual(['spec.ingress[0].source.selector']);
      expect(problems(here, [set({ role: 'partner' }, 'dev'), set({ role: 'x' }, 'pro')])).toEqual([]);
      expect(problems(anywhere, [set({ role: 'partner' }, 'dev')])).toEqual(['spec.ingress[0].source.selector']);
    });

    it.each([
      'GlobalNetworkPolicy',
      'StagedNetworkPolicy',
      'StagedGlobalNetworkPolicy',
      'StagedKubernetesNetworkPolicy',
    ])('of kind %s has no counterpart', (kind) =>
      expect(problems({ apiVersion: 'crd.projectcalico.org/v1', kind, spec: {} })).toEqual(['kind']),
    );
  });
});
