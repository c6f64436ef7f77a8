import { describe, expect, it } from 'vitest';
import type { Ingress, NetworkPolicy, Node, Pod, Service } from '../../core/kube/types.ts';
import { deriveIngress, ingressWays } from '../../core/ingress/index.ts';
import { clusterState } from '../../core/policy/cluster-state.ts';
import { PolicyEngine } from '../../core/policy/evaluate.ts';
import { Judge } from '../judge.ts';
import { findPlace } from '../place.ts';
import { findProxies } from './proxies.ts';
import { ingressJson, ingressText } from './report.ts';
import { followRequest, leadingTo, readIngressTarget } from './why-ingress.ts';
import type { IngressKnowledge } from './why-ingress.ts';

const nodes: Node[] = ['node-1', 'node-2'].map((name, index) => ({
  metadata: { name },
  status: { addresses: [{ type: 'InternalIP', address: `192.168.0.${index + 1}` }] },
}));

const READY = [{ type: 'Ready', status: 'True' }];

function pod(name: string, port: number, ip: string): Pod {
  return {
    metadata: { name, namespace: 'shop', labels: { app: name } },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'x', ports: [{ containerPort: port }] }] },
    status: { phase: 'Running', podIPs: [{ ip }], conditions: READY },
  };
}

function proxy(node: string, ready: boolean, keepClient: boolean): Pod {
  const env = [{ name: 'SLUICE_INGRESS_KEEP_CLIENT', value: String(keepClient) }];
  return {
    metadata: { name: `proxy-${node}`, namespace: 'kube-system', labels: { 'k8s-app': 'sluice-ingress' } },
    spec: { nodeName: node, hostNetwork: true, containers: [{ name: 'sluice-ingress', image: 'x', env }] },
    status: { phase: 'Running', conditions: ready ? READY : [] },
  };
}

function service(name: string, targetPort: number): Service {
  const ports = [{ name: 'http', port: 80, targetPort, protocol: 'TCP' }];
  return {
    metadata: { name, namespace: 'shop' },
    spec: { selector: { app: name }, clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'], ports },
  };
}

function path(of: string, name: string, pathType = 'Prefix', port: object = { name: 'http' }): object {
  return { path: of, pathType, backend: { service: { name, port } } };
}

function ingress(name: string, paths: readonly object[], annotations: Record<string, string> = {}): Ingress {
  return {
    metadata: { name, namespace: 'shop', annotations, creationTimestamp: `2026-01-0${name.length}T00:00:00Z` },
    spec: { ingressClassName: 'sluice', rules: [{ host: 'shop.example.test', http: { paths } }] },
  } as unknown as Ingress;
}

/** Customers of one network reach the front end; nothing is said of the API. */
const POLICY: NetworkPolicy = {
  metadata: { name: 'customers', namespace: 'shop' },
  spec: {
    podSelector: { matchLabels: { app: 'front' } },
    ingress: [{ from: [{ ipBlock: { cidr: '203.0.113.0/24' } }], ports: [{ port: 8080 }] }],
  },
};

function cluster(
  ingresses: readonly Ingress[],
  { keepClient = true, ready = true, services = [service('front', 8080), service('api', 9090)] } = {},
): { readonly judge: Judge; readonly known: IngressKnowledge } {
  const proxies = [proxy('node-1', ready, keepClient), proxy('node-2', ready, keepClient)];
  const pods = [pod('front', 8080, '10.244.0.2'), pod('api', 9090, '10.244.0.3'), ...proxies];
  const namespaces = [{ metadata: { name: 'shop' } }, { metadata: { name: 'kube-system' } }];
  const state = clusterState({ namespaces, pods, nodes, services, networkPolicies: [POLICY] });
  const world = {
    ingresses,
    classes: [],
    services: new Map(services.map((each) => [`shop/${each.metadata?.name}`, each])),
    slices: new Map(),
    secrets: new Map(),
    inspectCertificate: () => ({ names: [] }),
    withoutClass: false,
    rejected: new Map(),
  };
  const model = deriveIngress(world);
  const known = { proxies: findProxies(pods, nodes), model, ways: ingressWays(world, model) };
  return { judge: new Judge(new PolicyEngine(state)), known };
}

function ask(
  { judge, known }: ReturnType<typeof cluster>,
  from: string,
  to: string,
  port?: number,
): { readonly allowed: boolean; readonly text: string; readonly data: unknown } {
  const place = findPlace(from, judge.engine.state, 'default');
  const range = port === undefined ? undefined : ({ kind: 'range', first: port, last: port } as const);
  const report = followRequest(known, readIngressTarget(to, 'shop')!, judge, {
    from: place,
    family: undefined,
    port: range,
  });
  return { allowed: report.allowed, text: ingressText(report, judge, 'en'), data: ingressJson(report, judge) };
}

const shop = ingress('shop', [path('/', 'front')]);
const api = ingress('shop-api', [path('/api', 'api')], { 'nginx.ingress.kubernetes.io/force-ssl-redirect': 'true' });

describe('a request through the Ingress proxy', () => {
  it('is followed to the pods, where policy sees the client and the port of the pod', () => {
    const { allowed, text } = ask(cluster([shop, api]), '203.0.113.10', 'shop/ingress/shop');
    expect(allowed).toBe(true);
    expect(text).toContain('shop/ingress/shop: through the proxy of node node-1 (192.168.0.1), node-2 (192.168.0.2)');
    expect(text).toContain('shop.example.test, all paths → shop/service/front port http, as the client itself');
    expect(text).toContain('shop/service/front TCP http is translated to shop/front port 8080');
    expect(text).toContain('allowed: 203.0.113.10 → shop/front, TCP 8080');
  });

  it('is denied where the policy of the pods does not have the client', () => {
    const { allowed, text, data } = ask(cluster([shop]), '198.51.100.7', 'ingress/shop');
    expect(allowed).toBe(false);
    expect(text).toContain('denied: 198.51.100.7 → shop/front, TCP 8080');
    expect(data).toMatchObject({
      verdict: 'deny',
      seenAs: 'client',
      ways: [{ verdict: 'deny', service: 'shop/front', port: 'http', problem: null, answers: [{ verdict: 'deny' }] }],
    });
  });

  it('is told apart where policy tells clients apart', () => {
    const { allowed, text } = ask(cluster([shop]), 'outside', 'shop/ingress/shop');
    expect(allowed).toBe(false);
    expect(text).toContain('allowed: 203.0.113.0/24 → shop/front');
  });

  it('comes as the node of the proxy where the client is not kept', () => {
    const { text, data } = ask(cluster([shop], { keepClient: false }), '203.0.113.10', 'shop/ingress/shop');
    expect(text).toContain('as the node of the proxy');
    expect(text).toContain('allowed: node/node-1 → shop/front');
    expect(text).toContain('denied: node/node-2 → shop/front');
    expect(data).toMatchObject({ verdict: 'deny', seenAs: 'proxy' });
  });

  it.each([
    ['http://shop.example.test/', 'shop/ingress/shop', 'all paths'],
    ['http://shop.example.test/apis', 'shop/ingress/shop', 'all paths'],
    ['https://SHOP.example.test:443/api/cart?x=1', 'shop/ingress/shop-api', '/api and below'],
  ])('for %s is one for %s', (url, title, requests) => {
    const { text, data } = ask(cluster([shop, api]), '203.0.113.10', url);
    expect(data).toMatchObject({ ingress: title, ways: [{ verdict: 'allow' }] });
    expect(text).toContain(requests);
  });

  it('for a URL that only an Ingress has which is left out says why', () => {
    const broken = ingress('lost', [path('/api/(a+)+', 'api', 'ImplementationSpecific')], {
      'nginx.ingress.kubernetes.io/use-regex': 'true',
    });
    const { allowed, text } = ask(cluster([broken]), 'outside', 'http://shop.example.test/api/aaa');
    expect(allowed).toBe(false);
    expect(text).toContain('shop/ingress/lost');
    expect(text).toContain(
      'left out as a whole (InvalidPath): the expression "/api/(a+)+" repeats what repeats itself',
    );
  });

  it('is redirected first where TLS is asked for', () => {
    expect(ask(cluster([shop, api]), 'outside', 'shop/ingress/shop-api').text).toContain(
      'without TLS the proxy answers 308',
    );
  });

  it.each([
    ['a Service that is gone', [ingress('lost', [path('/', 'nothing')])], 'Service shop/nothing does not exist'],
    ['a port that is none', [ingress('lost', [path('/', 'api', 'Prefix', { number: 81 })])], 'has no TCP port 81'],
    [
      'an annotation that cannot be read',
      [ingress('lost', [path('/', 'api')], { 'nginx.ingress.kubernetes.io/limit-rps': 'many' })],
      'left out as a whole (InvalidAnnotation)',
    ],
    [
      'a backend that is no Service',
      [ingress('lost', [{ path: '/', pathType: 'Exact', backend: { resource: { kind: 'Bucket', name: 'b' } } }])],
      'left out as a whole (ResourceBackend): the backend Bucket b is no Service',
    ],
    [
      'a host and path that an older one has',
      [ingress('old', [path('/', 'api')]), ingress('lost', [path('/', 'front')])],
      'Ingress shop/old has these requests',
    ],
    [
      'clients that the proxy does not let in',
      [ingress('lost', [path('/', 'api')], { 'nginx.ingress.kubernetes.io/whitelist-source-range': '10.0.0.0/8' })],
      'the proxy answers 403',
    ],
  ])('ends at the proxy for %s', (_, ingresses, words) => {
    const { allowed, text } = ask(cluster(ingresses), '203.0.113.10', 'shop/ingress/lost');
    expect(allowed).toBe(false);
    expect(text).toContain(words);
  });

  it('is served by nobody where no proxy is ready', () => {
    const { allowed, text } = ask(cluster([shop], { ready: false }), 'outside', 'shop/ingress/shop');
    expect(allowed).toBe(false);
    expect(text).toContain('no proxy serves it; not ready: kube-system/proxy-node-1, kube-system/proxy-node-2');
  });

  it.each([
    ['a pod as the client', 'shop/front', 'shop/ingress/shop', undefined, 'followed from outside'],
    ['an address of a pod', '10.244.0.3', 'shop/ingress/shop', undefined, 'followed from outside'],
    ['an Ingress that does not exist', 'outside', 'shop/ingress/shpo', undefined, 'did you mean shop/shop?'],
    ['a URL that nobody has', 'outside', 'http://elsewhere.test/', undefined, 'the proxy answers 404'],
    ['a port that the proxy has not got', 'outside', 'shop/ingress/shop', 8080, 'ports 80 and 443'],
  ])('cannot be followed for %s', (_, from, to, port, words) => {
    expect(() => ask(cluster([shop]), from, to, port)).toThrow(words);
  });

  it('is one of the ways to a Service', () => {
    const { known } = cluster([shop, api]);
    expect(leadingTo(known, 'shop/api').map(({ key, ways }) => [key, ways.ways.length])).toEqual([
      ['shop/shop-api', 1],
    ]);
    expect(leadingTo(known, 'shop/other')).toEqual([]);
  });
});
