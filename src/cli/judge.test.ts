import { describe, expect, it } from 'vitest';
import type { NetworkPolicy, Pod, Service } from '../core/kube/types.ts';
import { PolicyEngine, clusterState } from '../core/policy/index.ts';
import { answerJson, answerText, judge, type Question } from './judge.ts';
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
  spec: { clusterIP: '10.96.0.9', selector: { app: 'web' }, ports: [{ name: 'main', port: 80, targetPort: 'http' }] },
};

const policy: NetworkPolicy = {
  metadata: { namespace: 'pro', name: 'web' },
  spec: {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ ipBlock: { cidr: '203.0.113.0/24' } }], ports: [{ port: 8080 }] }],
  },
};

const state = clusterState({
  namespaces: [{ metadata: { name: 'dev' } }, { metadata: { name: 'pro' } }],
  nodes: [{ metadata: { name: 'n1' }, status: { addresses: [{ type: 'InternalIP', address: '172.30.1.11' }] } }],
  pods: [
    pod('dev', 'client', ['10.244.0.2', 'fd00::2']),
    pod('dev', 'six', ['fd00::6']),
    pod('pro', 'web', ['10.244.0.3'], { app: 'web' }),
  ],
  services: [service],
  networkPolicies: [policy],
});
const engine = new PolicyEngine(state);

function ask(from: string, to: string, more: Partial<Question> = {}): Question {
  const ends = { from: findPlace(from, state, 'dev'), to: findPlace(to, state, 'dev') };
  return { ...ends, protocol: 'TCP', port: 8080, family: undefined, ...more };
}

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
    ['pro/service/wbe', 'there is no service pro/wbe; did you mean pro/web?'],
    ['a/b/c/d', "'a/b/c/d' is not a pod"],
  ])('that is not there, %s, is refused with what there is', (text, message) =>
    expect(() => findPlace(text, state, 'dev')).toThrow(message),
  );
});

describe('the answer to why', () => {
  it('judges a Service by its backends, after translation, and says so', () => {
    const question = ask('outside', 'pro/service/web', { port: 'main' });
    const answer = judge(engine, question);
    expect(answer.verdicts.map(({ allowed }) => allowed)).toEqual([true]);
    expect(answerText(engine, answer, 'en')).toMatch(
      /^pro\/service\/web TCP main is translated to pro\/web port 8080\nallowed:/u,
    );
    const denied = answerJson(engine, question, judge(engine, ask('client', 'pro/service/web', { port: 80 })));
    expect(denied).toMatchObject({ allowed: false, flows: [{ ingress: { policies: ['NetworkPolicy/pro/web'] } }] });
  });

  it.each([
    ['a port that the Service has not', ask('client', 'pro/service/web', { port: 81 }), 'it has TCP 80 (main)'],
    ['a ping of a Service', ask('client', 'pro/service/web', { protocol: 'ICMP', port: undefined }), 'never to a ping'],
    ['a Service as the source', ask('pro/service/web', 'client'), 'connections start at pods'],
    ['a port name of a pod', ask('client', 'pro/web', { port: 'http' }), 'only for a service'],
    ['ends without a common family', ask('six', 'pro/web'), 'no address family in common'],
    [
      'a Service without backends of the family',
      ask('six', 'pro/service/web', { port: 80 }),
      'no ready backend with an IPv6',
    ],
  ])('is refused for %s', (_name, question, message) => expect(() => judge(engine, question)).toThrow(message));
});
