import { describe, expect, it } from 'vitest';
import { normalisePolicy } from './registry.ts';

const GROUP = 'policy.networking.k8s.io';
const EVERYWHERE = { kind: 'selector', selector: { kind: 'all-of', requirements: [] } };
const ALL_PODS = { namespaces: {} };

function normalise(apiVersion: string, kind: string, spec: unknown, name = 'default') {
  const object = { apiVersion: `${GROUP}/${apiVersion}`, kind, metadata: { name }, spec };
  return normalisePolicy(object, (path) => ({ file: 'p.yaml', line: path.length + 1, column: 1 }))!;
}

function cnp(spec: object) {
  return normalise('v1alpha2', 'ClusterNetworkPolicy', { tier: 'Admin', priority: 10, subject: ALL_PODS, ...spec });
}

function anp(spec: object) {
  return normalise('v1alpha1', 'AdminNetworkPolicy', { priority: 10, subject: ALL_PODS, ...spec });
}

/** What is left of one egress rule, and where its issues are. */
function egress(api: typeof cnp, rule: unknown) {
  const { policy, issues } = api({ egress: [rule] });
  return { rules: policy.egress, paths: issues.map(({ source }) => source.path) };
}

const ACTIONS = [
  ['Deny', 'deny'],
  ['Pass', 'pass'],
] as const;

describe('cluster-wide policies', () => {
  it.each([
    ['v1alpha2', 'ClusterNetworkPolicy', { tier: 'Admin', priority: 7 }, 'kube-admin', 7],
    ['v1alpha2', 'ClusterNetworkPolicy', { tier: 'Baseline', priority: 0 }, 'kube-baseline', 0],
    ['v1beta1', 'ClusterNetworkPolicy', { tier: 'Baseline', priority: 1000 }, 'kube-baseline', 1000],
    ['v1alpha1', 'AdminNetworkPolicy', { priority: 3 }, 'kube-admin', 3],
    ['v1alpha1', 'BaselineAdminNetworkPolicy', {}, 'kube-baseline', Infinity],
  ])('%s %s with %j stands in tier %s at %d', (apiVersion, kind, place, tier, order) => {
    const { policy, issues } = normalise(apiVersion, kind, { subject: ALL_PODS, ...place });
    expect(issues).toEqual([]);
    expect(policy).toMatchObject({ key: `${kind}/default`, tier, order, sparesOwnNode: false, staged: false });
    expect(policy.source).toEqual({ kind, name: 'default', path: '', file: 'p.yaml', line: 1, column: 1 });
  });

  it('applies to a direction only when it has a rule for it', () => {
    const rule = { action: 'Deny', from: [ALL_PODS] };
    expect(cnp({ ingress: [rule] }).policy.applies).toEqual({ ingress: true, egress: false });
    expect(cnp({ ingress: [], egress: null }).policy.applies).toEqual({ ingress: false, egress: false });
  });

  it('selects by namespaces, or by namespaces and pods', () => {
    const team = { matchLabels: { team: 'a' } };
    const byNamespace = cnp({ subject: { namespaces: team } }).policy.subject;
    expect(byNamespace).toMatchObject({ namespaces: { kind: 'selector' }, pods: { requirements: [] } });
    const byPod = cnp({ subject: { pods: { namespaceSelector: {}, podSelector: team } } }).policy.subject;
    expect(byPod).toMatchObject({ namespaces: EVERYWHERE, pods: { requirements: [{ key: 'team' }] } });
    const anywhere = cnp({ subject: { pods: { podSelector: team } } });
    expect([anywhere.policy.subject, anywhere.issues]).toEqual([byPod, []]);
  });

  it('reads every kind of peer, a block and a name each on its own', () => {
    const to = [
      { namespaces: {} },
      { pods: { namespaceSelector: {}, podSelector: { matchLabels: { a: 'b' } } } },
      { nodes: { matchLabels: { os: 'linux' } } },
      { networks: ['10.1.2.3/8', 'fd00::/8'] },
      { domainNames: ['*.Example.com.', 'kubernetes.io'] },
    ];
    for (const [api, action] of [
      [cnp, 'Accept'],
      [anp, 'Allow'],
    ] as const) {
      const { rules, paths } = egress(api, { name: 'out', action, to });
      expect(paths).toEqual([]);
      expect(rules).toMatchObject([{ action: 'allow', name: 'out', index: 0, ports: 'any' }]);
      expect(rules[0]!.peers).toMatchObject([
        { kind: 'pods', key: '*/*' },
        { kind: 'pods', key: '*/a=b' },
        { kind: 'nodes', key: 'os=linux' },
        { kind: 'block', key: '10.0.0.0/8', family: 4 },
        { kind: 'block', key: 'fd00::/8', family: 6 },
        { kind: 'domain', pattern: '*.example.com' },
        { kind: 'domain', pattern: 'kubernetes.io' },
      ]);
    }
  });

  it('reads the protocols of v1alpha2, a name under every protocol', () => {
    const protocols = [
      { tcp: { destinationPort: { number: 80 } } },
      { udp: { destinationPort: { range: { start: 1, end: 65_535 } } } },
      { destinationNamedPort: 'web' },
    ];
    expect(egress(cnp, { action: 'Deny', to: [ALL_PODS], protocols }).rules[0]!.ports).toMatchObject([
      { kind: 'range', protocol: 'TCP', first: 80, last: 80 },
      { kind: 'range', protocol: 'UDP', first: 1, last: 65_535 },
      { kind: 'named', protocol: 'TCP', name: 'web' },
      { kind: 'named', protocol: 'UDP', name: 'web' },
      { kind: 'named', protocol: 'SCTP', name: 'web' },
    ]);
  });

  it('reads the ports of v1alpha1, TCP when nothing is said', () => {
    const ports = [
      { portNumber: { port: 80 } },
      { portRange: { protocol: 'SCTP', start: 5, end: 5 } },
      { namedPort: 'web' },
    ];
    expect(egress(anp, { action: 'Deny', to: [ALL_PODS], ports }).rules[0]!.ports).toMatchObject([
      { kind: 'range', protocol: 'TCP', first: 80, last: 80 },
      { kind: 'range', protocol: 'SCTP', first: 5, last: 5 },
      { kind: 'named', protocol: 'TCP' },
      { kind: 'named', protocol: 'UDP' },
      { kind: 'named', protocol: 'SCTP' },
    ]);
  });

  describe('what is not understood in a rule: it allows nothing, and where it denied or passed, it denies', () => {
    const port = (destinationPort: unknown) => ({ protocols: [{ tcp: { destinationPort } }] });
    const unreadablePorts: [string, object, string][] = [
      ['port 0', port({ number: 0 }), 'protocols[0].tcp.destinationPort.number'],
      ['a port that is text', port({ number: '80' }), 'protocols[0].tcp.destinationPort.number'],
      [
        'a range that ends where it starts',
        port({ range: { start: 8, end: 8 } }),
        'protocols[0].tcp.destinationPort.range.end',
      ],
      ['a range without an end', port({ range: { start: 8 } }), 'protocols[0].tcp.destinationPort.range.end'],
      ['a number and a range', port({ number: 8, range: { start: 8, end: 9 } }), 'protocols[0].tcp.destinationPort'],
      ['a protocol without a port', { protocols: [{ tcp: {} }] }, 'protocols[0].tcp'],
      ['a misspelt protocol', { protocols: [{ tpc: {} }] }, 'protocols[0].tpc'],
      ['an empty list of protocols', { protocols: [] }, 'protocols'],
      ['protocols that are no list', { protocols: {} }, 'protocols'],
    ];
    it.each(unreadablePorts)('%s', (_, fields, path) => {
      const rule = { to: [ALL_PODS], ...fields };
      expect(egress(cnp, { ...rule, action: 'Accept' })).toEqual({ rules: [], paths: [`spec.egress[0].${path}`] });
      for (const [action] of ACTIONS)
        expect(egress(cnp, { ...rule, action }).rules).toMatchObject([
          { action: 'deny', ports: 'any', peers: [{ kind: 'pods' }] },
        ]);
    });

    const unreadablePeers: [string, unknown, string][] = [
      ['no peers', undefined, 'to'],
      ['an empty list of peers', [], 'to'],
      ['an empty peer', [{}], 'to[0]'],
      ['a peer beside a good one', [ALL_PODS, { namespace: {} }], 'to[1].namespace'],
      ['two kinds of peer in one', [{ namespaces: {}, nodes: {} }], 'to[0]'],
      ['pods without a podSelector', [{ pods: { namespaceSelector: {} } }], 'to[0].pods.podSelector'],
      ['labels without matchLabels', [{ namespaces: { team: 'a' } }], 'to[0].namespaces.team'],
      [
        'a selector that is null',
        [{ pods: { namespaceSelector: null, podSelector: {} } }],
        'to[0].pods.namespaceSelector',
      ],
      ['no networks', [{ networks: [] }], 'to[0].networks'],
      ['a network that is none', [{ networks: ['10.0.0.0/8', '10.0.0.0'] }], 'to[0].networks[1]'],
      ['a name with the star inside', [{ domainNames: ['www.*.com'] }], 'to[0].domainNames[0]'],
    ];
    it.each(unreadablePeers)('%s', (_, to, path) => {
      const rule = { to, protocols: [{ tcp: { destinationPort: { number: 80 } } }] };
      expect(egress(cnp, { ...rule, action: 'Accept' })).toEqual({ rules: [], paths: [`spec.egress[0].${path}`] });
      for (const [action] of ACTIONS)
        expect(egress(cnp, { ...rule, action }).rules).toMatchObject([
          { action: 'deny', peers: 'any', ports: [{ kind: 'range', first: 80 }] },
        ]);
    });

    it.each(ACTIONS)('%s with a domain name', (action) => {
      const { rules, paths } = egress(cnp, { action, to: [{ domainNames: ['example.com'] }] });
      expect(paths).toEqual(['spec.egress[0].to[0].domainNames']);
      expect(rules).toMatchObject([{ action: 'deny', peers: 'any', ports: 'any' }]);
    });

    it.each(['Allow', 'accept', undefined, 1])('action %j', (action) => {
      const { rules, paths } = egress(cnp, { action, to: [ALL_PODS] });
      expect(paths).toEqual(['spec.egress[0].action']);
      expect(rules).toMatchObject([{ action: 'deny', peers: [{ key: '*/*' }] }]);
    });

    it('a rule that is null, and rules that are no list', () => {
      expect(egress(cnp, null).rules).toMatchObject([{ action: 'deny', peers: 'any', ports: 'any' }]);
      expect(cnp({ ingress: { action: 'Accept', from: [ALL_PODS] } }).policy).toMatchObject({
        applies: { ingress: true },
        ingress: [{ action: 'deny', peers: 'any', ports: 'any' }],
      });
    });

    it('an unknown field, with what was probably meant', () => {
      const { policy, issues } = cnp({ egress: [{ action: 'Accept', to: [ALL_PODS], protocol: [] }] });
      expect(policy.egress).toEqual([]);
      expect(issues).toMatchObject([
        { policy: 'ClusterNetworkPolicy/default', message: 'unknown field; did you mean protocols?' },
      ]);
      expect(egress(cnp, { action: 'Deny', to: [ALL_PODS], from: [] }).rules).toMatchObject([{ action: 'deny' }]);
    });

    it('a named port of what has none', () => {
      for (const peer of [{ nodes: {} }, { networks: ['::/0'] }, { domainNames: ['a.b'] }]) {
        const rule = { to: [ALL_PODS, peer], protocols: [{ destinationNamedPort: 'web' }] };
        expect(egress(cnp, { ...rule, action: 'Accept' }).paths).toEqual(['spec.egress[0].protocols']);
      }
    });

    it('one bad rule does not take the others with it', () => {
      const good = { action: 'Accept', from: [ALL_PODS] };
      const { policy } = cnp({ ingress: [{ action: 'Accept' }, good, good] });
      expect(policy.ingress.map(({ index }) => index)).toEqual([1, 2]);
    });
  });

  describe('what is not understood about the policy itself: no rule of it allows or passes', () => {
    const rules = ['Accept', 'Deny', 'Pass'].map((action) => ({ action, from: [ALL_PODS] }));
    it.each<[string, object, string, object]>([
      ['no subject', { subject: undefined }, 'spec.subject', {}],
      ['an empty subject', { subject: {} }, 'spec.subject', {}],
      ['two subjects', { subject: { namespaces: {}, pods: { podSelector: {} } } }, 'spec.subject', {}],
      ['a subject of another API', { subject: { podSelector: {} } }, 'spec.subject.podSelector', {}],
      ['no tier', { tier: undefined }, 'spec.tier', { tier: 'kube-admin' }],
      ['a lower-case tier', { tier: 'baseline' }, 'spec.tier', { tier: 'kube-admin' }],
      ['a priority that is out of range', { priority: 1001 }, 'spec.priority', { order: -1 }],
      ['a priority that is text', { priority: '10' }, 'spec.priority', { order: -1 }],
      ['a misspelt field', { policyTypes: [] }, 'spec.policyTypes', {}],
    ])('%s', (_, fields, path, expected) => {
      const { policy, issues } = cnp({ ingress: rules, ...fields });
      expect(issues.map(({ source }) => source.path)).toEqual([path]);
      expect(policy.ingress.map(({ action, index }) => [action, index])).toEqual([
        ['deny', 1],
        ['deny', 2],
      ]);
      expect(policy).toMatchObject({ subject: { namespaces: EVERYWHERE }, ...expected });
    });

    it('keeps of the subject what can be read', () => {
      const subject = { pods: { namespaceSelector: { matchLabels: { a: 'b' } }, podSelector: { app: 'web' } } };
      expect(cnp({ subject }).policy.subject).toMatchObject({
        namespaces: { selector: { requirements: [{ key: 'a' }] } },
        pods: { requirements: [] },
      });
    });

    it.each([
      [undefined, 'ie'],
      ['all', 'ie'],
      [[{}], 'ie'],
      [{ tier: 'Admin', priority: 1, subject: ALL_PODS, ingres: [] }, 'i'],
      [{ tier: 'Admin', priority: 1, subject: ALL_PODS, egres: {} }, 'e'],
      [{ tier: 'Admin', priority: 1, subject: ALL_PODS, policyTypes: [] }, ''],
    ])('a spec of %j, which may have held rules, denies', (spec, denied) => {
      const { policy, issues } = normalise('v1alpha2', 'ClusterNetworkPolicy', spec);
      expect(issues.length).toBeGreaterThan(0);
      const all = [{ action: 'deny', peers: 'any', ports: 'any' }];
      expect(policy.ingress).toMatchObject(denied.includes('i') ? all : []);
      expect(policy.egress).toMatchObject(denied.includes('e') ? all : []);
    });
  });

  it('knows the baseline policy by its name, and that it has nothing to pass to', () => {
    const spec = { subject: ALL_PODS, ingress: [{ action: 'Allow', from: [ALL_PODS] }] };
    const other = normalise('v1alpha1', 'BaselineAdminNetworkPolicy', spec, 'other');
    expect([other.policy.ingress, other.issues.map(({ source }) => source.path)]).toEqual([[], ['metadata.name']]);
    const passing = { subject: ALL_PODS, ingress: [{ action: 'Pass', from: [ALL_PODS] }] };
    const { policy } = normalise('v1alpha1', 'BaselineAdminNetworkPolicy', passing);
    expect(policy.ingress).toMatchObject([{ action: 'deny' }]);
  });

  it('reads NetworkPolicies of versions that clusters no longer serve', () => {
    for (const apiVersion of ['extensions/v1beta1', 'networking.k8s.io/v1beta1']) {
      const object = {
        apiVersion,
        kind: 'NetworkPolicy',
        metadata: { name: 'p', namespace: 'n' },
        spec: { podSelector: {} },
      };
      const { policy } = normalisePolicy(object)!;
      expect(policy).toMatchObject({ key: 'NetworkPolicy/n/p', tier: 'default', applies: { ingress: true } });
    }
  });
});
