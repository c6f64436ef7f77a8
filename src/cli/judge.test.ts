import { describe, expect, it } from 'vitest';
import type { NetworkPolicy, Pod, Service } from '../core/kube/types.ts';
import { PolicyEngine, clusterState } from '../core/policy/index.ts';
import { answerJson } from './check/answer-json.ts';
import { answerText } from './check/answer-text.ts';
import { readPort } from './check/port-text.ts';
import { Judge, type Question } from './judge.ts';
import { describePlace, findPlace } from './place.ts';

function pod(namespace: string, name: string, ips: string[], labels: Record<string, string> = {}): Pod {
  const containers = [{ name: 'main', ports: [{ name: 'http', containerPort: 8080 }] }];
  return {
    metadata: { namespace, name, labels },
    spec: { nodeName: 'n1', containers },
    status: {
      phase: 'Running',
      podIPs: ips.map((ip) => ({ ip })),
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

const service: Service = {
  metadata: { namespace: 'pro', name: 'web' },
  spec: {
    type: 'NodePort',
    clusterIP: '10.96.0.9',
    selector: { app: 'web' },
    ports: [{ name: 'main', port: 80, targetPort: 'http', nodePort: 30_080 }],
  },
};

const empty: Service = {
  metadata: { namespace: 'pro', name: 'empty' },
  spec: {
    type: 'NodePort',
    clusterIP: '10.96.0.8',
    selector: { app: 'none' },
    ports: [{ port: 80, nodePort: 30_090 }],
  },
};

const policy: NetworkPolicy = {
  metadata: { namespace: 'pro', name: 'web' },
  spec: {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ ipBlock: { cidr: '203.0.113.0/24' } }], ports: [{ port: 8080 }] }],
  },
};

const ipv4Only: NetworkPolicy = {
  metadata: { namespace: 'pro', name: 'dual' },
  spec: {
    podSelector: { matchLabels: { app: 'dual' } },
    ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }],
  },
};

const state = clusterState({
  namespaces: [{ metadata: { name: 'dev' } }, { metadata: { name: 'pro' } }],
  nodes: [{ metadata: { name: 'n1' }, status: { addresses: [{ type: 'InternalIP', address: '172.30.1.11' }] } }],
  pods: [
    pod('dev', 'client', ['10.244.0.2', 'fd00::2']),
    pod('dev', 'six', ['fd00::6']),
    pod('pro', 'web', ['10.244.0.3'], { app: 'web' }),
    pod('pro', 'dual', ['10.244.0.4', 'fd00::4'], { app: 'dual' }),
    {
      metadata: {
        namespace: 'pro',
        name: 'later',
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'later', uid: '', controller: true }],
      },
    },
  ],
  services: [service, empty],
  networkPolicies: [policy, ipv4Only],
});
const engine = new PolicyEngine(state);
const judge = new Judge(engine);

function ask(from: string, to: string, more: Partial<Question> = {}): Question {
  const ends = { from: findPlace(from, state, 'dev'), to: findPlace(to, state, 'dev') };
  return { ...ends, protocol: 'TCP', port: readPort('8080'), family: undefined, ...more };
}

describe('an address of a Service', () => {
  const shared = (name: string, ports: number[]): Service => ({
    metadata: { namespace: 'pro', name },
    spec: {
      externalIPs: ['172.30.1.11'],
      selector: { app: 'web' },
      ports: ports.map((port) => ({ port, targetPort: 8080 })),
    },
  });
  const more = clusterState({
    pods: [pod('dev', 'client', ['10.244.0.2', 'fd00::2']), pod('pro', 'web', ['10.244.0.3'], { app: 'web' })],
    nodes: [{ metadata: { name: 'n1' }, status: { addresses: [{ type: 'InternalIP', address: '172.30.1.11' }] } }],
    services: [service, empty, shared('a', [1000]), shared('b', [2000])],
    networkPolicies: [policy],
  });
  const answer = (to: string, port: string, from = 'client') =>
    new Judge(new PolicyEngine(more)).judge({
      ...ask('client', to, { port: readPort(port) }),
      from: findPlace(from, more, 'dev'),
    });

  it('is translated before it is judged', () => {
    const { allowed, remarks } = answer('10.96.0.9', '80', '203.0.113.7');
    expect([allowed, remarks]).toEqual([
      true,
      ['10.96.0.9 is an address of pro/service/web', 'pro/service/web TCP 80 is translated to pro/web port 8080'],
    ]);
    expect(answer('10.96.0.9', 'main').allowed).toBe(false);
  });

  it('may belong to several Services by their ports, and to a node by the others', () => {
    expect(answer('172.30.1.11', '2000').remarks[0]).toBe('172.30.1.11 is an address of pro/service/b');
    expect(answer('172.30.1.11', '3000')).toMatchObject({ allowed: true, remarks: [] });
  });

  it.each([
    ['10.96.0.9', '81', 'pro/service/web has no TCP port 81; it has TCP 80 (main)'],
    ['10.96.0.8', '80', 'pro/service/empty has no ready backend with an IPv4 address'],
  ])('%s has nothing to judge at port %s', (to, port, message) => expect(() => answer(to, port)).toThrow(message));

  describe('of a load balancer that is not for everybody', () => {
    const guarded = (ranges: string[]): Judge =>
      new Judge(
        new PolicyEngine(
          clusterState({
            pods: [pod('dev', 'client', ['10.244.0.2', 'fd00::2']), pod('pro', 'web', ['10.244.0.3'], { app: 'web' })],
            services: [
              {
                metadata: { namespace: 'pro', name: 'lb' },
                spec: {
                  type: 'LoadBalancer',
                  clusterIP: '10.96.0.7',
                  loadBalancerSourceRanges: ranges,
                  selector: { app: 'web' },
                  ports: [{ port: 80, targetPort: 8080 }],
                },
                status: { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } },
              },
            ],
          }),
        ),
      );
    const answerOf = (from: string, to: string, ranges = ['203.0.113.0/24', 'fd00::/16']) => {
      const judging = guarded(ranges);
      const place = (text: string) => findPlace(text, judging.engine.state, 'dev');
      return judging.judge({ ...ask('client', 'client', { port: readPort('80') }), from: place(from), to: place(to) });
    };
    const ranges =
      "the load balancer's addresses of pro/service/lb are for 203.0.113.0/24, fd00::/16 alone (loadBalancerSourceRanges)";

    it.each([
      ['198.51.100.1', ranges, undefined],
      ['client', ranges, undefined],
      [
        '203.0.113.7',
        "the load balancer's addresses of pro/service/lb are for nobody (loadBalancerSourceRanges names no range)",
        ['10.0.0.0/99'],
      ],
    ])('%s may not use it', (from, message, given) =>
      expect(() => answerOf(from, '192.0.2.7', given)).toThrow(message),
    );

    it('tells whom it is for where that is not known of the client', () => {
      const translated = 'pro/service/lb TCP 80 is translated to pro/web port 8080';
      expect(answerOf('203.0.113.7', '192.0.2.7').remarks).toEqual([
        '192.0.2.7 is an address of pro/service/lb',
        translated,
      ]);
      expect(answerOf('outside', '192.0.2.7').remarks).toContain(ranges);
      expect(answerOf('198.51.100.1', 'pro/service/lb').remarks).toEqual([ranges, translated]);
      expect(answerOf('198.51.100.1', '10.96.0.7').remarks).not.toContain(ranges);
    });
  });

  it('says which end lacks the family', () =>
    expect(() => judge.judge(ask('six', 'pro/service/web', { port: readPort('80'), family: 4 }))).toThrow(
      'dev/six has no IPv4 address',
    ));
});

describe('a host port', () => {
  const offering = (name: string, ports: object[], spec: object = {}): Pod => {
    const made = pod('pro', name, ['10.244.0.9'], { app: 'web' });
    return { ...made, spec: { ...made.spec, containers: [{ name: 'main', ports }], ...spec } } as Pod;
  };
  const judging = new Judge(
    new PolicyEngine(
      clusterState({
        pods: [
          pod('dev', 'client', ['10.244.0.2']),
          offering('host', [{ containerPort: 8080, hostPort: 80 }], { hostNetwork: true }),
          offering('web', [
            { containerPort: 8080, hostPort: 9090 },
            { containerPort: 8080, hostPort: 9090, protocol: 'UDP', hostIP: '0.0.0.0' },
            { containerPort: 8080, hostPort: 9091, hostIP: '192.0.2.1' },
          ]),
        ],
        nodes: [
          {
            metadata: { name: 'n1' },
            status: {
              addresses: ['172.30.1.11', 'fd00:30::11'].map((address) => ({ type: 'InternalIP', address })),
            },
          },
        ],
        networkPolicies: [policy],
      }),
    ),
  );
  const answer = (from: string, to: string, port: string, protocol: 'TCP' | 'UDP' = 'TCP') => {
    const place = (text: string) => findPlace(text, judging.engine.state, 'dev');
    const question = { from: place(from), to: place(to), protocol, port: readPort(port), family: undefined };
    const { allowed, remarks } = judging.judge(question);
    return [allowed, ...remarks];
  };
  const translated = (protocol: string) =>
    `node/n1 ${protocol} 9090 is a host port of pro/web, and is translated to its port 8080`;

  it('is translated for clients outside, and the pod is judged', () => {
    expect(answer('203.0.113.7', '172.30.1.11', '9090')).toEqual([true, translated('TCP')]);
    expect(answer('198.51.100.1', '172.30.1.11', '9090')).toEqual([false, translated('TCP')]);
    expect(answer('198.51.100.1', 'node/n1', '9090', 'UDP')).toEqual([false, translated('UDP')]);
    expect(answer('outside', '172.30.1.11', '9090')[0]).toBe(false);
  });

  it.each([
    ['at another address of the node', '172.30.1.11', '9091'],
    ['for a family that the pod has not got', 'fd00:30::11', '9090'],
    ['of a pod on the network of its node', '172.30.1.11', '80'],
    ['that is none', '172.30.1.11', '9092'],
  ])('%s is the node itself', (_, to, port) =>
    expect(answer(to.includes(':') ? '2001:db8::1' : '198.51.100.1', to, port)).toEqual([true]),
  );

  it('is named to pods, which come to it in several ways', () => {
    expect(answer('client', '172.30.1.11', '9090')).toEqual([
      true,
      'node/n1 TCP 9090 is a host port of pro/web, whose policies are not asked here: ask about its port 8080',
    ]);
  });
});

describe('a place', () => {
  it.each([
    ['client', 'dev/client'],
    ['pro/web', 'pro/web'],
    ['pro/pod/web', 'pro/web'],
    ['pro/service/web', 'pro/service/web'],
    ['pro/svc/web', 'pro/service/web'],
    ['node/n1', 'node/n1'],
    ['10.1.2.3', '10.1.2.3'],
    ['outside', 'outside'],
  ])('is found as %s', (text, description) => expect(describePlace(findPlace(text, state, 'dev'))).toBe(description));

  it.each([
    ['clint', 'there is no pod dev/clint; did you mean dev/client?'],
    ['web', 'there is no pod dev/web; did you mean pro/web?'],
    ['node/n2', 'there is no node n2; there are n1'],
    ['dev/app=none', "no pod matches 'dev/app=none'; there are dev/client, dev/six, pro/dual, pro/later, pro/web"],
    ['somebody', 'there is no pod dev/somebody; there are dev/client'],
    ['pro/deployment/latr', 'there is no pod of pro/deployment/latr; did you mean pro/deployment/later?'],
    ['pro/service/wbe', 'there is no service pro/wbe; did you mean pro/web?'],
    ['a/b/c/d', "'a/b/c/d' is not a pod"],
  ])('that is not there, %s, is refused with what there is', (text, message) =>
    expect(() => findPlace(text, state, 'dev')).toThrow(message),
  );
});

describe('an answer', () => {
  it('judges a Service by its backends, after translation, and says so', () => {
    const question = ask('203.0.113.9', 'pro/service/web', { port: readPort('main') });
    const answer = judge.judge(question);
    expect(answer.allowed).toBe(true);
    expect(answerText(engine, question, answer, 'en')).toMatch(
      /^pro\/service\/web TCP main is translated to pro\/web port 8080\nallowed:/u,
    );
    const byNode = ask('203.0.113.9', 'node/n1', { port: readPort('30080') });
    expect(judge.judge(byNode).remarks).toEqual([
      'node/n1 TCP 30080 is a port of pro/service/web, and is translated to pro/web port 8080',
    ]);
    const denied = ask('client', 'pro/service/web', { port: readPort('80') });
    expect(answerJson(engine, denied, judge.judge(denied))).toMatchObject({
      verdict: 'deny',
      port: 80,
      ingress: { tier: 'default', policy: 'NetworkPolicy/pro/web', rule: null, policies: ['NetworkPolicy/pro/web'] },
      egress: { kind: 'unselected', policy: null },
    });
  });

  it.each<[string, Question, readonly string[]]>([
    [
      'a block that is allowed in part',
      ask('203.0.112.0/23', 'pro/web'),
      ['denied: 203.0.112.0/24 → pro/web, TCP 8080', 'allowed: 203.0.113.0/24 → pro/web, TCP 8080'],
    ],
    [
      'a block that is allowed whole',
      ask('203.0.113.128/25', 'pro/web'),
      ['allowed: 203.0.113.128/25 → pro/web, TCP 8080'],
    ],
    [
      'a range of ports',
      ask('outside', 'pro/web', { port: readPort('8079-8081') }),
      [
        'denied: outside → pro/web, TCP 8079, 8081',
        'denied: 0.0.0.0/0 except 203.0.113.0/24 → pro/web, TCP 8080',
        'allowed: 203.0.113.0/24 → pro/web, TCP 8080',
      ],
    ],
    [
      'everything outside, where policy tells some of it apart',
      ask('outside', 'pro/web'),
      ['denied: 0.0.0.0/0 except 203.0.113.0/24 → pro/web, TCP 8080', 'allowed: 203.0.113.0/24 → pro/web, TCP 8080'],
    ],
    ['everything outside, where none does', ask('client', 'outside'), ['allowed: dev/client → outside, TCP 8080']],
    [
      'a port of a node that leads to a Service',
      ask('203.0.113.9', 'node/n1', { port: readPort('30080') }),
      ['allowed: 203.0.113.9 → pro/web, TCP 8080'],
    ],
    [
      'ports of a node, of which one leads to a Service',
      ask('client', 'node/n1', { port: readPort('30079-30081') }),
      ['denied: dev/client → pro/web, TCP 8080', 'allowed: dev/client → node/n1, TCP 30079, 30081'],
    ],
    [
      'the name of a port of a pod',
      ask('203.0.113.9', 'pro/web', { port: readPort('http') }),
      ['allowed: 203.0.113.9 → pro/web, TCP 8080'],
    ],
    [
      'all pods of a namespace that have an address of the family',
      ask('dev/', 'pro/web'),
      ['denied: dev/client → pro/web, TCP 8080'],
    ],
    [
      'a family that makes a difference',
      ask('outside', 'pro/dual', { port: readPort('53') }),
      ['denied: outside → pro/dual, TCP 53 (IPv6)', 'allowed: outside → pro/dual, TCP 53 (IPv4)'],
    ],
    ['pods as the ends of a service', ask('pro/service/web', 'client'), ['allowed: pro/web → dev/client, TCP 8080']],
    [
      'a pod that was never deployed',
      ask('client', 'pro/deployment/later'),
      ['allowed: dev/client → pro/later, TCP 8080'],
    ],
  ])('is whole for %s', (_name, question, headlines) => {
    const answer = judge.judge(question);
    const text = answerText(engine, question, answer, 'en');
    expect(text.split('\n').filter((line) => /^(allowed|denied):/u.test(line))).toEqual(headlines);
    expect(answer.allowed).toBe(headlines.every((line) => line.startsWith('allowed')));
  });

  it.each([
    [
      'a port that the Service has not',
      ask('client', 'pro/service/web', { port: readPort('81') }),
      'it has TCP 80 (main)',
    ],
    ['a ping of a Service', ask('client', 'pro/service/web', { protocol: 'ICMP', port: undefined }), 'never to a ping'],
    [
      'a port name that the pod has not',
      ask('client', 'pro/web', { port: readPort('pg') }),
      'no TCP port named pg; it has http (TCP 8080)',
    ],
    [
      'a port name of an address',
      ask('client', '10.9.9.9', { port: readPort('http') }),
      'only pods and services have ports by name',
    ],
    [
      'a port of a node whose Service has no backend',
      ask('client', 'node/n1', { port: readPort('30090') }),
      'node/n1 TCP 30090 is a port of pro/service/empty, which has no ready backend',
    ],
    ['ends without a common family', ask('six', 'pro/web'), 'no address family in common'],
    [
      'a Service without backends of the family',
      ask('six', 'pro/service/web', { port: readPort('80') }),
      'no ready backend',
    ],
  ])('is refused for %s', (_name, question, message) => expect(() => judge.judge(question)).toThrow(message));
});
