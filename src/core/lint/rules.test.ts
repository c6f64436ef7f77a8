import { describe, expect, it } from 'vitest';
import { parseManifests } from '../kube/yaml.ts';
import { lint } from './lint.ts';

/** `id@line` of every finding. */
function found(...texts: string[]): string[] {
  const text = texts.join('\n---\n');
  return lint([{ file: 'f', text, ...parseManifests(text, 'f') }]).map(({ id, line }) => `${id}@${line}`);
}

function ids(...texts: string[]): string[] {
  return [...new Set(found(...texts).map((each) => each.split('@')[0]!))];
}

function pod(name: string, { namespace = 'shop', labels = `{ app: ${name} }`, spec = '', ports = '' } = {}): string {
  return `{ apiVersion: v1, kind: Pod, metadata: { name: ${name}, namespace: ${namespace}, labels: ${labels} }, spec: { ${spec} containers: [{ name: c, image: i, ports: [${ports}] }] } }`;
}

function namespace(name: string, labels = '{}'): string {
  return `{ apiVersion: v1, kind: Namespace, metadata: { name: ${name}, labels: ${labels} } }`;
}

function policy(spec: string, { name = 'p', namespace: ns = 'shop' } = {}): string {
  return `{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: { name: ${name}, namespace: ${ns} }, spec: { ${spec} } }`;
}

function service(spec: string, name = 'web'): string {
  return `{ apiVersion: v1, kind: Service, metadata: { name: ${name}, namespace: shop }, spec: { ${spec} } }`;
}

const DNS = '{ ports: [{ protocol: UDP, port: 53 }] }';
const closed = policy('podSelector: {}, policyTypes: [Ingress]', { name: 'closed' });

describe('selectors that match nothing', () => {
  it('are not told of when no pod of the namespace is there', () => {
    expect(ids(policy('podSelector: { matchLabels: { app: web } }, policyTypes: [Ingress]'))).toEqual([]);
    expect(
      ids(
        pod('web', { namespace: 'other' }),
        policy('podSelector: { matchLabels: { app: web } }, policyTypes: [Ingress]'),
      ),
    ).toEqual([]);
  });

  it.each(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'])('count the pods of a %s', (kind) => {
    const workload = `{ apiVersion: apps/v1, kind: ${kind}, metadata: { name: web, namespace: shop }, spec: { serviceName: web, selector: { matchLabels: { app: web } }, template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: c, image: i }] } } } }`;
    expect(ids(workload, policy('podSelector: { matchLabels: { app: web } }, policyTypes: [Ingress]'))).toEqual([]);
    expect(ids(workload, policy('podSelector: { matchLabels: { app: wbe } }, policyTypes: [Ingress]'))).toEqual([
      'policy-selects-nothing',
    ]);
  });

  it('are not told of when the labels are those that controllers add', () => {
    const chosen = policy(
      'podSelector: { matchLabels: { statefulset.kubernetes.io/pod-name: db-0 } }, policyTypes: [Ingress]',
    );
    expect(ids(pod('db'), chosen)).toEqual([]);
    const labels = (name: string) => `{ statefulset.kubernetes.io/pod-name: ${name} }`;
    expect(ids(pod('db-0', { labels: labels('db-0') }), chosen)).toEqual([]);
    expect(ids(pod('db-1', { labels: labels('db-1') }), chosen)).toEqual(['policy-selects-nothing']);
  });

  it('count the pods of a CronJob, two templates down', () => {
    const job =
      '{ apiVersion: batch/v1, kind: CronJob, metadata: { name: j, namespace: shop }, spec: { jobTemplate: { spec: { template: { metadata: { labels: { app: job } }, spec: { containers: [] } } } } } }';
    expect(ids(job, policy('podSelector: { matchLabels: { app: job } }, policyTypes: [Ingress]'))).not.toContain(
      'policy-selects-nothing',
    );
  });

  it('do not count pods on the network of their host, neither as subject nor as peer', () => {
    const host = pod('web', { spec: 'hostNetwork: true,' });
    expect(ids(host, policy('podSelector: { matchLabels: { app: web } }, policyTypes: [Ingress]'))).toEqual([
      'policy-selects-nothing',
    ]);
    expect(
      ids(
        host,
        pod('db'),
        policy(
          'podSelector: { matchLabels: { app: db } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: web } } }] }]',
        ),
      ),
    ).toEqual(['peer-matches-nothing']);
  });

  it('are silent about peers in namespaces whose pods are not there', () => {
    const rule =
      'podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: a } }, podSelector: { matchLabels: { app: x } } }] }]';
    expect(ids(namespace('shop'), namespace('a', '{ team: a }'), pod('web'), policy(rule))).toEqual([]);
    expect(
      ids(namespace('shop'), namespace('a', '{ team: a }'), pod('web'), pod('other', { namespace: 'a' }), policy(rule)),
    ).toEqual(['peer-matches-nothing']);
  });

  it('are silent about the namespaces that every cluster has', () => {
    const rule = `podSelector: {}, policyTypes: [Egress], egress: [{ to: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kube-system } } }], ports: [{ protocol: UDP, port: 53 }] }]`;
    expect(ids(namespace('shop'), pod('web'), policy(rule))).toEqual([]);
  });

  it('are silent where an operator makes pods, and count the template of a custom workload', () => {
    const typo = policy('podSelector: { matchLabels: { app: db } }, policyTypes: [Ingress]');
    const custom = (spec: string): string =>
      `{ apiVersion: example.test/v1, kind: Custom, metadata: { name: db, namespace: shop }, spec: { ${spec} } }`;
    expect(ids(pod('web'), custom('endpoints: []'), typo)).toEqual(['policy-selects-nothing']);
    expect(ids(pod('web'), custom('replicas: 3'), typo)).toEqual([]);
    expect(ids(pod('web'), custom('replicas: 3'), namespace('kube-system'), namespace('shop'), typo)).toEqual([
      'policy-selects-nothing',
    ]);
    const template = 'template: { metadata: { labels: { app: db } }, spec: { containers: [] } }';
    expect(ids(pod('web'), custom(template), typo)).toEqual([]);
  });

  it('look through the selectors of Calico, which choose network sets too', () => {
    const calico = policy(
      `selector: app == 'db', ingress: [{ action: Allow, source: { selector: "app == 'wbe'" } }]`,
    ).replace('networking.k8s.io/v1', 'projectcalico.org/v3');
    const set =
      '{ apiVersion: projectcalico.org/v3, kind: NetworkSet, metadata: { name: s, namespace: shop, labels: { app: wbe } }, spec: { nets: [10.0.0.0/8] } }';
    expect(ids(calico)).toEqual([]);
    expect(ids(pod('db'), pod('web'), calico)).toEqual(['peer-matches-nothing']);
    expect(ids(pod('db'), pod('web'), set, calico)).toEqual([]);
    expect(ids(pod('db'), pod('wbe'), calico)).toEqual([]);
    expect(ids(pod('dd'), pod('wbe'), calico)).toEqual(['policy-selects-nothing']);
  });

  it('include policies of the whole cluster when it is all there, with its empty namespaces', () => {
    const global = (selector: string): string =>
      `{ apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: { name: g }, spec: { selector: "${selector}", types: [Ingress] } }`;
    const whole = [namespace('kube-system'), namespace('shop'), namespace('empty'), pod('web')];
    expect(ids(pod('web'), global("app == 'wbe'"))).toEqual([]);
    expect(ids(...whole, global("app == 'wbe'"))).toEqual(['policy-selects-nothing']);
    expect(ids(...whole, global("app == 'web'"))).toEqual([]);
    const elsewhere = policy('podSelector: { matchLabels: { app: x } }, policyTypes: [Ingress]', {
      namespace: 'empty',
    });
    expect(ids(...whole, elsewhere)).toEqual(['policy-selects-nothing']);
    expect(ids(...whole.slice(0, 3), elsewhere)).toEqual([]);
  });

  it('leave it at a note when the namespace may be somebody else’s', () => {
    const rule = policy(
      'podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: monitoring } } }] }]',
    );
    const severities = (...texts: string[]): string[] => {
      const text = texts.join('\n---\n');
      return lint([{ file: 'f', text, ...parseManifests(text, 'f') }]).map(({ severity }) => severity);
    };
    expect(severities(namespace('shop'), rule)).toEqual(['note']);
    expect(severities(namespace('shop'), namespace('kube-system'), pod('web'), rule)).toEqual(['warning']);
    expect(severities(namespace('shop'), namespace('monitorng'), rule)).toEqual(['warning']);
  });

  it('are silent about requirements of absence', () => {
    const rule = 'podSelector: { matchExpressions: [{ key: public, operator: DoesNotExist }] }, policyTypes: [Ingress]';
    expect(ids(pod('web'), policy(rule))).toEqual([]);
  });
});

describe('AND and OR', () => {
  const or =
    'podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: a } } }, { podSelector: { matchLabels: { app: web } } }] }]';
  const and =
    'podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: a } }, podSelector: { matchLabels: { app: web } } }] }]';
  const world = [namespace('shop'), namespace('a', '{ team: a }'), pod('other')];

  it('alternatives that both mean something are meant', () => {
    expect(ids(...world, pod('web'), pod('x', { namespace: 'a' }), policy(or))).toEqual([]);
  });

  it('alternatives of which one only means something in the namespaces of the other are not', () => {
    expect(ids(...world, pod('web', { namespace: 'a' }), policy(or))).toEqual(['or-for-and']);
  });

  it('a third peer, as in the Kubernetes documentation, needs evidence', () => {
    const three = or.replace('from: [', 'from: [{ ipBlock: { cidr: 172.17.0.0/16 } }, ');
    expect(ids(policy(three))).toEqual([]);
    expect(ids(...world, pod('web', { namespace: 'a' }), policy(three))).toEqual(['or-for-and']);
  });

  it('both selectors at once that choose somebody are meant', () => {
    expect(ids(...world, pod('web', { namespace: 'a' }), policy(and))).toEqual([]);
    expect(ids(policy(and.replace('team: a', 'kubernetes.io/metadata.name: a')))).toEqual([]);
  });
});

describe('directions', () => {
  it('a default deny of both is meant', () => {
    expect(ids(policy('podSelector: {}, policyTypes: [Ingress, Egress]'))).toEqual([]);
  });

  it('a direction that another policy opens is not closed by mistake', () => {
    const egress = policy(
      'podSelector: { matchLabels: { app: web } }, egress: [{ to: [{ ipBlock: { cidr: 10.0.0.0/8 } }] }]',
    );
    expect(ids(egress)).toEqual(['unintended-isolation']);
    expect(ids(egress, policy('podSelector: {}, ingress: [{ ports: [{ port: 80 }] }]', { name: 'in' }))).toEqual([]);
    expect(
      ids(
        egress,
        policy('podSelector: { matchLabels: { app: api } }, ingress: [{ ports: [{ port: 80 }] }]', { name: 'in' }),
      ),
    ).toEqual(['unintended-isolation']);
  });

  it('types that list what the rules are for are right in any order', () => {
    expect(ids(policy(`podSelector: {}, policyTypes: [Egress, Ingress], ingress: [{}], egress: [{}]`))).toEqual([]);
  });
});

describe('DNS', () => {
  const to = (peers: string, more = ''): string =>
    policy(`podSelector: {}, policyTypes: [Egress], egress: [{ to: [${peers}], ports: [{ port: 80 }] }${more}]`);
  const db = '{ podSelector: { matchLabels: { app: db } } }';

  it.each([
    ['is missing', to(db), true],
    ['is there', to(db, `, ${DNS}`), false],
    ['is there by any port', to(db, ', { to: [{ namespaceSelector: {} }] }'), false],
    ['is TCP only', to(db, ', { ports: [{ port: 53 }] }'), true],
    [
      'is a block',
      to(db, ', { to: [{ ipBlock: { cidr: 169.254.20.10/32 } }], ports: [{ protocol: UDP, port: 53 }] }'),
      false,
    ],
    [
      'is looked for in the own namespace',
      to(
        db,
        ', { to: [{ podSelector: { matchLabels: { k8s-app: kube-dns } } }], ports: [{ protocol: UDP, port: 53 }] }',
      ),
      true,
    ],
    ['is not needed for blocks', to('{ ipBlock: { cidr: 10.0.0.0/8 } }'), false],
    ['is allowed with everything', policy('podSelector: {}, policyTypes: [Egress], egress: [{}]'), false],
    ['is denied on purpose', policy('podSelector: {}, policyTypes: [Egress]'), false],
  ])('%s', (_, text, expected) => expect(ids(text).includes('egress-without-dns')).toBe(expected));

  it('may stand in a policy of its own', () => {
    const dns = policy(`podSelector: {}, policyTypes: [Egress], egress: [${DNS}]`, { name: 'dns' });
    expect(ids(to(db), dns)).toEqual([]);
    expect(ids(pod('web'), pod('db'), to(db), dns)).toEqual([]);
  });

  it('is told of once for the same pods', () => {
    const again = to(db).replace('name: p,', 'name: q,').replace('port: 80', 'port: 81');
    expect(ids(pod('web'), pod('db'), to(db), again)).toEqual(['egress-without-dns']);
    expect(found(pod('web'), pod('db'), to(db), again)).toHaveLength(1);
  });
});

describe('every address of one family', () => {
  const dual = `{ apiVersion: v1, kind: Service, metadata: { name: s, namespace: shop }, spec: { clusterIPs: [10.96.0.1, 'fd00::1'], ports: [{ port: 1 }] } }`;
  const calico = (rule: string): string =>
    `{ apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: { name: c, namespace: shop }, spec: { types: [Egress], egress: [{ action: Allow, ${rule} destination: { nets: ['::/0'] } }] } }`;

  it('may be a slip, but not where the rule names the family', () => {
    expect(ids(dual, calico(''))).toContain('block-of-one-family');
    expect(ids(dual, calico('ipVersion: 6,'))).not.toContain('block-of-one-family');
  });
});

describe('ports', () => {
  const web = pod('web', { ports: '{ name: http, containerPort: 8080 }' });
  const on = (port: string): string => policy(`podSelector: {}, ingress: [{ ports: [${port}] }]`);

  it('names that some pod has are fine, those of another protocol are not', () => {
    expect(ids(web, on('{ port: http }'))).toEqual([]);
    expect(ids(web, pod('other'), on('{ port: http }'))).toEqual([]);
    expect(ids(web, on('{ port: http, protocol: UDP }'))).toEqual(['named-port']);
  });

  it('names of whichever protocol are told of once, and not when some pod has them', () => {
    const admin = (name: string) =>
      `{ apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: { name: a }, spec: { priority: 1, subject: { namespaces: {} }, ingress: [{ action: Allow, from: [{ namespaces: {} }], ports: [{ namedPort: ${name} }] }] } }`;
    expect(ids(namespace('shop'), web, admin('http'))).toEqual([]);
    expect(found(namespace('shop'), web, admin('htpt'))).toEqual(['named-port@5']);
  });

  it('a number that a Service translates is only wrong when no pod listens on it', () => {
    const svc = service('selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }]');
    expect(ids(web, on('{ port: 80 }'))).toEqual([]);
    expect(ids(web, svc, on('{ port: 80 }'))).toContain('service-port');
    expect(ids(web, svc, pod('old', { ports: '{ containerPort: 80 }' }), on('{ port: 80 }, { port: 8080 }'))).toEqual(
      [],
    );
    expect(
      ids(web, service('selector: { app: web }, ports: [{ port: 80, targetPort: http }]'), on('{ port: 80 }')),
    ).toContain('service-port');
    expect(ids(web, service('selector: { app: web }, ports: [{ port: 80 }]'), on('{ port: 80 }'))).toEqual([]);
  });

  it('looks at the pods of the peers for egress', () => {
    const out = policy(
      `podSelector: {}, policyTypes: [Egress], egress: [{ to: [{ podSelector: { matchLabels: { app: web } } }], ports: [{ port: metrics }] }, ${DNS}]`,
    );
    expect(ids(web, out)).toEqual(['named-port']);
  });
});

describe('what is said twice', () => {
  const rules = (...list: string[]): string =>
    policy(`podSelector: {}, policyTypes: [Ingress], ingress: [${list.join()}]`);

  it.each([
    ['an equal rule', '{ ports: [{ port: 80 }] }', '{ ports: [{ port: 80 }] }', true],
    ['a range and a part of it', '{ ports: [{ port: 80, endPort: 90 }] }', '{ ports: [{ port: 85 }] }', true],
    [
      'two ranges and what spans both',
      '{ ports: [{ port: 80, endPort: 90 }, { port: 91, endPort: 99 }] }',
      '{ ports: [{ port: 85, endPort: 95 }] }',
      true,
    ],
    [
      'ranges with a gap',
      '{ ports: [{ port: 80, endPort: 90 }, { port: 92, endPort: 99 }] }',
      '{ ports: [{ port: 85, endPort: 95 }] }',
      false,
    ],
    ['another protocol', '{ ports: [{ port: 53 }] }', '{ ports: [{ port: 53, protocol: UDP }] }', false],
    [
      'a block and a part of it',
      '{ from: [{ ipBlock: { cidr: 10.0.0.0/8 } }] }',
      '{ from: [{ ipBlock: { cidr: 10.1.0.0/16 } }] }',
      true,
    ],
    [
      'a block and a part that it excepts',
      '{ from: [{ ipBlock: { cidr: 10.0.0.0/8, except: [10.1.0.0/16] } }] }',
      '{ from: [{ ipBlock: { cidr: 10.1.2.0/24 } }] }',
      false,
    ],
    [
      'every pod of all namespaces and those of one',
      '{ from: [{ namespaceSelector: {} }] }',
      '{ from: [{ podSelector: { matchLabels: { a: b } } }] }',
      true,
    ],
    [
      'a value and one of several',
      '{ from: [{ podSelector: { matchExpressions: [{ key: a, operator: In, values: [b, c] }] } }] }',
      '{ from: [{ podSelector: { matchLabels: { a: b } } }] }',
      true,
    ],
    [
      'absence and another value',
      '{ from: [{ podSelector: { matchExpressions: [{ key: a, operator: NotIn, values: [b] }] } }] }',
      '{ from: [{ podSelector: { matchExpressions: [{ key: a, operator: DoesNotExist }] } }] }',
      true,
    ],
    [
      'any address and any pod',
      '{ from: [{ ipBlock: { cidr: 0.0.0.0/0 } }] }',
      '{ from: [{ namespaceSelector: {} }] }',
      false,
    ],
    ['more peers and fewer ports', '{ ports: [{ port: 80 }] }', '{ from: [{ podSelector: {} }] }', false],
  ])('%s', (_, outer, inner, expected) => {
    expect(ids(rules(outer, inner))).toEqual(expected ? ['redundant-rule'] : []);
    expect(ids(rules(inner, outer))).toEqual(expected ? ['redundant-rule'] : []);
  });

  it('leaves one of three equal ones alone', () => {
    const one = '{ ports: [{ port: 80 }] }';
    expect(found(rules(one, one, one))).toHaveLength(2);
  });
});

describe('order', () => {
  const cnp = (name: string, priority: number, ...rules: string[]): string =>
    `{ apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: { name: ${name} }, spec: { tier: Admin, priority: ${priority}, subject: { namespaces: {} }, ingress: [${rules.join()}] } }`;
  const all = '[{ namespaces: {} }]';
  const some = '[{ namespaces: { matchLabels: { a: b } } }]';

  it('a rule after one that matches more is never reached', () => {
    expect(ids(cnp('x', 1, `{ action: Deny, from: ${all} }`, `{ action: Accept, from: ${some} }`))).toEqual([
      'shadowed-rule',
    ]);
    expect(ids(cnp('x', 1, `{ action: Accept, from: ${some} }`, `{ action: Deny, from: ${all} }`))).toEqual([]);
  });

  it('also across policies, and not across tiers', () => {
    const deny = cnp('x', 1, `{ action: Deny, from: ${all} }`);
    expect(ids(deny, cnp('second', 2, `{ action: Accept, from: ${some} }`))).toEqual(['shadowed-rule']);
    expect(ids(deny, cnp('second', 2, `{ action: Accept, from: ${some} }`).replace('Admin', 'Baseline'))).toEqual([]);
  });

  it('a NetworkPolicy hides nothing of a Calico policy, which is asked about the pod’s own node too', () => {
    const all = 'egress: [{ to: [{ namespaceSelector: {} }] }, { to: [{ ipBlock: { cidr: 0.0.0.0/0 } }] }, {}]';
    const calico = policy(
      'selector: all(), order: 2000, egress: [{ action: Deny, protocol: TCP }, { action: Allow, protocol: TCP }]',
    );
    expect(
      found(
        policy(`podSelector: {}, policyTypes: [Egress], ${all}`, { name: 'first' }),
        calico.replace('networking.k8s.io/v1', 'projectcalico.org/v3'),
      ).filter((each) => each.startsWith('shadowed-rule')),
    ).toEqual(['shadowed-rule@3']);
  });

  it('equal priorities matter only where the outcome differs', () => {
    const accept = cnp('second', 1, `{ action: Accept, from: ${some} }`);
    expect(ids(cnp('x', 1, `{ action: Deny, from: ${all} }`), accept)).toEqual(['order-tie']);
    expect(ids(cnp('x', 1, `{ action: Accept, from: ${all} }`), accept)).toEqual(['redundant-policy']);
    const other = '[{ namespaces: { matchLabels: { a: c } } }]';
    expect(ids(cnp('x', 1, `{ action: Deny, from: ${other} }`), accept)).toEqual([]);
  });
});

describe('both sides of a connection', () => {
  const world = [pod('web'), pod('db', { ports: '{ containerPort: 5432 }' })];
  const into = policy(
    'podSelector: { matchLabels: { app: db } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: web } } }], ports: [{ port: 5432 }] }]',
    { name: 'in' },
  );
  const out = (rule: string): string =>
    policy(`podSelector: { matchLabels: { app: web } }, policyTypes: [Egress], egress: [${rule}, ${DNS}]`, {
      name: 'out',
    });

  it.each([
    ['an open side', 'closed', false],
    ['another port', '{ to: [{ podSelector: {} }], ports: [{ port: 3306 }] }', true],
    ['another peer', '{ to: [{ podSelector: { matchLabels: { app: api } } }] }', true],
    ['the same', '{ to: [{ podSelector: { matchLabels: { app: db } } }], ports: [{ port: 5432 }] }', false],
    ['addresses, which may be its', '{ to: [{ ipBlock: { cidr: 10.0.0.0/8 } }] }', false],
  ])('%s', (_, rule, expected) => {
    const texts = rule === 'closed' ? [...world, into] : [...world, into, out(rule)];
    expect(ids(...texts).includes('half-open-rule')).toBe(expected);
  });
});

it('knows what exists beside the files, says nothing about it, and lets the files replace it', () => {
  const read = (text: string, file: string) => ({ file, text, ...parseManifests(text, file) });
  const said = (text: string, ...beside: string[]): string[] =>
    lint([read(text, 'f')], { context: read(beside.join('\n---\n'), '<cluster>').manifests }).map(({ id }) => id);
  const typo = policy('podSelector: { matchLabels: { app: wbe } }, policyTypes: [Ingress]');
  expect(said(typo)).toEqual([]);
  expect(said(typo, pod('web'))).toEqual(['policy-selects-nothing']);
  expect(said(pod('web'), typo)).toEqual([]);
  const same = policy('podSelector: {}, ingress: [{ ports: [{ port: 80 }] }]');
  expect(said(same, same, pod('web'))).toEqual([]);
  expect(said(same, same.replace('name: p', 'name: a'), pod('web'))).toEqual(['redundant-policy']);
});

describe('Services', () => {
  const web = pod('web', { ports: '{ containerPort: 8080 }' });
  const svc = service('selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }]');

  it('are reachable when any rule opens the port of any pod', () => {
    expect(ids(web, svc)).toEqual([]);
    expect(ids(web, svc, closed)).toEqual(['unreachable-service']);
    expect(
      ids(
        web,
        svc,
        closed,
        policy('podSelector: {}, ingress: [{ from: [{ namespaceSelector: { matchLabels: { a: b } } }] }]'),
      ),
    ).toEqual([]);
    expect(
      ids(
        web,
        pod('web-2', { labels: '{ app: web }' }),
        svc,
        policy('podSelector: { matchLabels: { app: web, x: y } }, policyTypes: [Ingress]'),
      ),
    ).not.toContain('unreachable-service');
  });

  it('without a selector or pods are left alone', () => {
    expect(ids(web, closed, service('ports: [{ port: 80 }]'))).toEqual([]);
    expect(ids(service('selector: { app: web }, ports: [{ port: 80 }]'))).toEqual([]);
    expect(ids(web, service('type: ExternalName, externalName: example.test'))).toEqual([]);
  });
});

describe('routes of the Gateway API', () => {
  const object = (kind: string, name: string, namespace: string, spec: string): string =>
    `{ apiVersion: gateway.networking.k8s.io/v1, kind: ${kind}, metadata: { name: ${name}, namespace: ${namespace} }, spec: { ${spec} } }`;
  const edge = (more = ''): string =>
    object('Gateway', 'edge', 'infra', `listeners: [{ name: http, port: 80, protocol: HTTP, ${more} }]`);
  const open = edge('allowedRoutes: { namespaces: { from: All } }');
  const route = (parent: string, more = ''): string =>
    object('HTTPRoute', 'r', 'shop', `parentRefs: [{ name: edge, ${parent} }], ${more}`);
  const backend = (more: string): string => `rules: [{ backendRefs: [{ name: web, port: 80, ${more} }] }]`;
  const there = 'namespace: infra';

  it('are not told of a Gateway that the files may lack', () => {
    expect(ids(route(''))).toEqual([]);
    expect(ids(route(''), object('Gateway', 'other', 'infra', 'listeners: []'))).toEqual([]);
    expect(ids(route('kind: Service'), open)).toEqual([]);
    expect(ids(route(''), open)).toEqual(['route-parent']);
    expect(ids(route('').replace('edge', 'egde'), object('Gateway', 'edge', 'shop', 'listeners: []'))).toEqual([
      'route-parent',
    ]);
  });

  it('are taken by port, namespace and hostname', () => {
    expect(ids(route(there), open)).toEqual([]);
    expect(ids(route(`${there}, port: 80`), open)).toEqual([]);
    expect(ids(route(`${there}, port: 81`), open)).toEqual(['route-parent']);
    expect(ids(route(there), edge())).toEqual(['route-parent']);
    const byLabel = edge('allowedRoutes: { namespaces: { from: Selector, selector: { matchLabels: { a: b } } } }');
    expect(ids(route(there), byLabel)).toEqual([]);
    expect(ids(route(there), byLabel, namespace('shop'))).toEqual(['route-parent']);
    expect(ids(route(there), byLabel, namespace('shop', '{ a: b }'))).toEqual([]);
    const named = edge('hostname: "*.test", allowedRoutes: { namespaces: { from: All } }');
    expect(ids(route(there, 'hostnames: [a.test]'), named)).toEqual([]);
    expect(ids(route(there, 'hostnames: [a.example]'), named)).toEqual(['route-parent']);
  });

  it('need a grant for what is in another namespace, as Gateways do for certificates', () => {
    const web = `{ apiVersion: v1, kind: Service, metadata: { name: web, namespace: back }, spec: { ports: [{ port: 80 }] } }`;
    const grant = (kind: string, to: string): string =>
      object(
        'ReferenceGrant',
        'g',
        'back',
        `from: [{ group: gateway.networking.k8s.io, kind: ${kind}, namespace: ${kind === 'Gateway' ? 'infra' : 'shop'} }], to: [{ group: "", kind: ${to} }]`,
      ).replace('/v1', '/v1beta1');
    const crossing = route(there, backend('namespace: back'));
    expect(ids(open, crossing)).toEqual([]);
    expect(ids(open, crossing, web)).toEqual(['missing-reference-grant']);
    expect(ids(open, crossing, web, grant('Gateway', 'Secret'))).toEqual(['missing-reference-grant']);
    expect(ids(open, crossing, web, grant('HTTPRoute', 'Service'))).toEqual([]);
    const secure = edge('tls: { certificateRefs: [{ name: tls, namespace: back }] }');
    const secret = '{ apiVersion: v1, kind: Secret, metadata: { name: tls, namespace: back } }';
    expect(ids(secure)).toEqual([]);
    expect(ids(secure, secret)).toEqual(['missing-reference-grant']);
    expect(ids(secure, secret, grant('Gateway', 'Secret'))).toEqual([]);
  });

  it('are told of Services that are gone, and of those that nobody may reach', () => {
    expect(ids(open, route(there, backend('')))).toEqual([]);
    expect(ids(open, route(there, backend('')), service('ports: [{ port: 80 }]', 'other'))).toEqual(['route-backend']);
    const closedService = service('selector: { app: web }, ports: [{ port: 80 }]');
    expect(ids(open, route(there, backend('')), pod('web'), closed, closedService)).toContain('unreachable-backend');
    expect(ids(open, route(there, backend('kind: Other, group: x.test')), pod('web'))).toEqual([]);
  });
});

it('reads whatever stands in a field', () => {
  const strange = ['null', '5', 'text', '[]', '{}', '[null]', '[{}]', 'true'];
  const shapes = (value: string): string[] => [
    pod('web', { labels: value }),
    `{ apiVersion: v1, kind: Pod, metadata: ${value}, spec: ${value}, status: ${value} }`,
    `{ apiVersion: v1, kind: Pod, metadata: { name: a }, spec: { containers: ${value}, initContainers: ${value} }, status: { podIPs: ${value} } }`,
    `{ apiVersion: apps/v1, kind: Deployment, metadata: { name: a }, spec: { template: ${value} } }`,
    service(`selector: ${value}, ports: ${value}, clusterIPs: ${value}, externalIPs: ${value}`),
    `{ apiVersion: v1, kind: Service, metadata: { name: a }, status: { loadBalancer: ${value} } }`,
    `{ apiVersion: v1, kind: Service, metadata: { name: a }, spec: ${value}, status: { loadBalancer: { ingress: ${value} } } }`,
    policy(`podSelector: ${value}, policyTypes: ${value}, ingress: ${value}, egress: ${value}`),
    policy(`podSelector: {}, ingress: [{ from: ${value}, ports: ${value} }, { from: [{ ipBlock: ${value} }] }]`),
    `{ apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: { name: a }, spec: { defaultBackend: ${value}, rules: ${value} } }`,
    ...['Gateway', 'HTTPRoute', 'ReferenceGrant'].flatMap((kind) => {
      const gatewayApi = `apiVersion: gateway.networking.k8s.io/v1, kind: ${kind}, metadata: { name: a, namespace: shop }`;
      const listeners = `[{ name: ${value}, port: ${value}, hostname: ${value}, tls: { certificateRefs: ${value} }, allowedRoutes: { kinds: ${value}, namespaces: { from: Selector, selector: ${value} } } }]`;
      return [
        `{ ${gatewayApi}, spec: ${value} }`,
        `{ ${gatewayApi}, spec: { listeners: ${value}, parentRefs: ${value}, hostnames: ${value}, rules: ${value}, from: ${value}, to: ${value} } }`,
        `{ ${gatewayApi}, spec: { listeners: ${listeners}, parentRefs: [{ name: a, sectionName: ${value}, port: ${value} }], rules: [{ backendRefs: ${value} }] } }\n---\n{ ${gatewayApi.replace(kind, 'HTTPRoute')}, spec: { parentRefs: [{ name: a }] } }`,
      ];
    }),
    `{ apiVersion: v1, kind: Namespace, metadata: { name: shop, labels: ${value} } }`,
    `{ apiVersion: projectcalico.org/v3, kind: Tier, metadata: ${value}, spec: ${value} }`,
    `{ apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: { name: a }, spec: { selector: ${value}, ingress: ${value}, types: ${value}, tier: ${value} } }`,
    `{ apiVersion: ${value}, kind: ${value}, metadata: ${value} }`,
  ];
  for (const value of strange)
    for (const shape of shapes(value)) expect(() => found(shape, pod('x')), shape).not.toThrow();
});
