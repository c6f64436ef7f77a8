import { describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import type { Namespace, NetworkPolicy, Pod } from '../kube/types.ts';
import { clusterState } from './cluster-state.ts';
import { PolicyEngine } from './evaluate.ts';
import { explain, formatExplanation } from './explain.ts';
import type { FlowProtocol } from './flow.ts';
import type { Language } from './messages/catalogue.ts';
import { nearestMisses } from './near-miss.ts';

const LANGUAGES: readonly Language[] = ['en', 'zh-CN', 'zh-TW'];

function pod(
  namespace: string,
  name: string,
  ip: string,
  labels: Record<string, string>,
  ports: [string, number][] = [],
): Pod {
  const named = ports.map(([portName, containerPort]) => ({ name: portName, containerPort }));
  return {
    metadata: { namespace, name, labels },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', ports: named }] },
    status: { phase: 'Running', podIPs: [{ ip }] },
  };
}

const namespaces: Namespace[] = [
  { metadata: { name: 'default' } },
  { metadata: { name: 'dev', labels: { env: 'dev' } } },
];
const pods = [
  pod('default', 'web', '10.0.0.1', { app: 'web' }, [['http', 8080]]),
  pod('default', 'client', '10.0.0.2', { app: 'client' }),
  pod('dev', 'friend', '10.0.0.3', { role: 'friend' }),
];

/** Why `from` cannot reach default/web when only `rules` allow it. */
function why(
  rules: NonNullable<NetworkPolicy['spec']>['ingress'],
  from: string,
  [protocol, port]: [FlowProtocol, number?] = ['TCP', 80],
  language: Language = 'en',
): string {
  const policy: NetworkPolicy = {
    metadata: { name: 'p', namespace: 'default' },
    spec: { podSelector: { matchLabels: { app: 'web' } }, ...(rules === undefined ? {} : { ingress: rules }) },
  };
  const nodes = [
    { metadata: { name: 'node-9' }, status: { addresses: [{ type: 'InternalIP', address: '172.30.1.9' }] } },
  ];
  const state = clusterState({ namespaces, pods, nodes, networkPolicies: [policy] });
  const engine = new PolicyEngine(state);
  const ip = parseIp(from);
  const source = ip === undefined ? engine.pod(state.pods.get(from)!, 4) : engine.address(ip);
  const destination = engine.pod(state.pods.get('default/web')!, 4);
  const verdict = engine.evaluate({ source, destination, protocol, ...(port === undefined ? {} : { port }) });
  return formatExplanation(explain(verdict, nearestMisses(engine, verdict), language));
}

const friend = { podSelector: { matchLabels: { role: 'friend' } } };

describe('explain', () => {
  it('reads as a short text', () => {
    expect(why([{ from: [friend], ports: [{ port: 80 }] }], 'default/client')).toBe(
      [
        'denied: default/client → default/web, TCP 80',
        '  egress of default/client: allowed, since no policy for egress selects it',
        '  ingress of default/web: denied, since it is selected by NetworkPolicy default/p and no rule there allows this',
        '    closest: NetworkPolicy default/p, spec.ingress[0]',
        '      default/client does not match role=friend (it has app=client); the port matches',
      ].join('\n'),
    );
  });

  it.each<[string, string, RegExp]>([
    [
      'the wrong namespace',
      why([{ from: [friend] }], 'dev/friend'),
      /podSelector alone means pods of the policy's own namespace default; this one is in dev/,
    ],
    [
      'the wrong label of the namespace',
      why([{ from: [{ namespaceSelector: { matchLabels: { env: 'prod' } }, ...friend }] }], 'dev/friend'),
      /namespace dev does not match env=prod \(it has env=dev, kubernetes\.io\/metadata\.name=dev\); the pod itself would match/,
    ],
    [
      'an exception',
      why([{ from: [{ ipBlock: { cidr: '203.0.0.0/16', except: ['203.0.113.0/24'] } }] }], '203.0.113.10'),
      /203\.0\.113\.10 is in an exception of 203\.0\.0\.0\/16 except 203\.0\.113\.0\/24/,
    ],
    [
      'another block',
      why([{ from: [{ ipBlock: { cidr: '10.9.0.0/16' } }] }], '203.0.113.10'),
      /203\.0\.113\.10 is not in 10\.9\.0\.0\/16/,
    ],
    [
      'a node',
      why([{ from: [{ namespaceSelector: {} }] }], '172.30.1.9'),
      /selectors choose pods, and node\/node-9 counts as a node; use an ipBlock/,
    ],
    [
      'an outside address',
      why([{ from: [friend] }], '203.0.113.10'),
      /203\.0\.113\.10 is outside the cluster; use an ipBlock/,
    ],
    [
      'another port',
      why([{ ports: [{ port: 81, endPort: 90 }] }], 'default/client'),
      /the peer matches; the rule is for TCP 81-90, this is TCP 80/,
    ],
    [
      'another protocol',
      why([{ ports: [{ port: 80, protocol: 'UDP' }] }], 'default/client'),
      /the rule is for UDP 80, this is TCP 80/,
    ],
    [
      'a named port with another number',
      why([{ ports: [{ port: 'http' }] }], 'default/client'),
      /the rule is for TCP http \(8080\), this is TCP 80/,
    ],
    [
      'a name that the pod lacks',
      why([{ ports: [{ port: 'metrics' }] }], 'default/client'),
      /default\/web has no TCP container port named metrics/,
    ],
    [
      'ping',
      why([{ ports: [{ port: 80 }] }], 'default/client', ['ICMP']),
      /the rule names ports and ICMP has none; only a rule without ports allows it/,
    ],
    ['no rule', why([], 'default/client'), /there is no rule for this direction, so nothing is allowed/],
  ])('names %s', (_, text, expected) => expect(text).toMatch(expected));

  it('puts the rule that lacks least first', () => {
    const text = why(
      [{ from: [friend], ports: [{ port: 81 }] }, { ports: [{ port: 81 }] }, { from: [friend] }],
      'default/client',
    );
    expect(text.match(/spec\.ingress\[\d\]/g)).toEqual(['spec.ingress[1]', 'spec.ingress[2]', 'spec.ingress[0]']);
  });

  it('says which rule allowed, and what no policy can change', () => {
    expect(why([{}], 'default/client')).toContain(
      'ingress of default/web: allowed by NetworkPolicy default/p, spec.ingress[0]',
    );
    expect(why([], 'default/web')).toContain('no policy can keep default/web from reaching itself');
  });

  it.each(LANGUAGES)('has the same lines in %s', (language) => {
    const depths = (text: string) => text.split('\n').map((line) => /^ */.exec(line)![0].length);
    const [english, other] = (['en', language] as const).map((each) =>
      why([{ from: [friend], ports: [{ port: 81 }] }], 'default/client', ['TCP', 80], each),
    );
    expect(depths(other!)).toEqual(depths(english!));
    expect(other).not.toMatch(/undefined|\[object/);
  });
});

describe('explain, for Calico policies', () => {
  const text = (spec: object, { from = '203.0.113.10', ...more }: { from?: string; sourcePort?: number } = {}) => {
    const objects = [
      { apiVersion: 'projectcalico.org/v3', kind: 'Tier', metadata: { name: 'security' }, spec: { order: 1 } },
      {
        apiVersion: 'projectcalico.org/v3',
        kind: 'GlobalNetworkPolicy',
        metadata: { name: 'security.first' },
        spec: { tier: 'security', selector: "app == 'web'", types: ['Ingress'], ingress: [{ action: 'Pass' }] },
      },
      {
        apiVersion: 'projectcalico.org/v3',
        kind: 'GlobalNetworkPolicy',
        metadata: { name: 'web' },
        spec: { selector: "app == 'web'", types: ['Ingress'], ...spec },
      },
    ];
    const state = clusterState({ namespaces, pods, tiers: objects.slice(0, 1), policies: objects.slice(1) });
    expect(state.issues).toEqual([]);
    const engine = new PolicyEngine(state);
    const ip = parseIp(from);
    const source = ip === undefined ? engine.pod(state.pods.get(from)!, 4) : engine.address(ip);
    const destination = engine.pod(state.pods.get('default/web')!, 4);
    const verdict = engine.evaluate({ source, destination, protocol: 'TCP', port: 80, ...more });
    return formatExplanation(explain(verdict, nearestMisses(engine, verdict)));
  };
  const allow = (rule: object) => ({ ingress: [{ action: 'Allow', ...rule }] });

  it('tells which tier passed the flow on, and by what', () => {
    expect(text(allow({}))).toMatch(
      /ingress of default\/web: allowed by GlobalNetworkPolicy web, spec\.ingress\[0\]\n {4}tier security: passed by GlobalNetworkPolicy security\.first, spec\.ingress\[0\]$/u,
    );
  });

  it.each<[string, string, RegExp]>([
    [
      'labels',
      text(allow({ source: { selector: "role == 'x' || role == 'y'" } }), { from: 'default/client' }),
      /default\/client does not match/u,
    ],
    [
      'no set or host',
      text(allow({ source: { selector: "role == 'x'" } })),
      /in no network set and of no host endpoint that matches role=x/u,
    ],
    [
      'a left-out block',
      text(allow({ source: { notNets: ['203.0.113.0/24'] } })),
      /the rule leaves out 203\.0\.113\.10 as source/u,
    ],
    [
      'a left-out port',
      text(allow({ protocol: 'TCP', destination: { notPorts: [80] } })),
      /the rule leaves out destination ports TCP 80, this is 80/u,
    ],
    [
      'a source port',
      text(allow({ protocol: 'TCP', source: { ports: [53] } }), { sourcePort: 54 }),
      /the rule is for source ports TCP 53.*this is 54/u,
    ],
    ['a family', text(allow({ ipVersion: 6 })), /the rule is for IPv6 only/u],
    ['a protocol', text(allow({ protocol: 'ICMP' })), /the rule is for ICMP, this is TCP/u],
    ['a left-out protocol', text(allow({ notProtocol: 'TCP' })), /the rule leaves out TCP/u],
  ])('names what a rule lacks: %s', (_, lines, expected) => expect(lines).toMatch(expected));
});
