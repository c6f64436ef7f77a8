import { describe, expect, it } from 'vitest';
import { parseCidr, rangeOf } from '../../../base/ip/index.ts';
import type { Node, Pod } from '../../kube/types.ts';
import { clusterState } from '../../policy/index.ts';
import { union } from '../int-set.ts';
import { ALL_ICMP, ALL_PORTS, formatPorts, portRange } from '../port-set.ts';
import type { PortSet } from '../port-set.ts';
import { generate } from './generate.ts';
import type { PolicyApi, Wish, WishedEnd } from './model.ts';

const state = clusterState({
  namespaces: ['shop', 'web', 'kube-system'].map((name) => ({ metadata: { name } })),
  nodes: [nodeOf('node-0', '172.30.0.10')],
  pods: [
    podOf('shop', 'api-1', { app: 'api', 'pod-template-hash': 'x' }, '10.0.0.1'),
    podOf('shop', 'api-2', { app: 'api', 'pod-template-hash': 'x' }, '10.0.0.2'),
    podOf('shop', 'api-canary', { app: 'api', canary: 'yes' }, '10.0.0.3'),
    podOf('shop', 'db', { app: 'db' }, '10.0.0.4'),
    podOf('shop', 'cache', { app: 'cache' }, '10.0.0.5'),
    podOf('web', 'front', { app: 'front' }, '10.0.1.1'),
    podOf('kube-system', 'dns', { 'k8s-app': 'kube-dns' }, '10.0.2.1'),
  ],
});

describe('generate', () => {
  it('denies by default, chooses pods by the fewest labels, and merges peers and ports', () => {
    const { policies, excess, missing, inexpressible } = from([
      wish('shop/api-1', 'shop/db', portRange('TCP', 5432, 5432)),
      wish('shop/api-1', 'shop/cache', portRange('TCP', 5432, 5432)),
      wish('shop/api-canary', 'shop/db', portRange('TCP', 5432, 5432)),
      wish('web/front', 'shop/api-1', portRange('TCP', 8080, 8090)),
    ]);
    expect({ excess, missing, inexpressible }).toEqual({ excess: [], missing: [], inexpressible: [] });
    expect(policies.map(({ metadata }) => metadata.name)).toEqual([
      'default-deny',
      'allow-api',
      'allow-cache',
      'allow-db',
      'allow-yes',
    ]);
    expect(policies[1]!.spec).toEqual({
      podSelector: { matchLabels: { app: 'api' }, matchExpressions: [{ key: 'canary', operator: 'DoesNotExist' }] },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'web' } },
              podSelector: { matchLabels: { app: 'front' } },
            },
          ],
          ports: [{ protocol: 'TCP', port: 8080, endPort: 8090 }],
        },
      ],
      egress: [
        {
          to: [{ podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['cache', 'db'] }] } }],
          ports: [{ protocol: 'TCP', port: 5432 }],
        },
      ],
    });
  });

  it('tells which wishes for one replica are granted to all', () => {
    expect(from([wish('shop/api-1', 'shop/db', ALL_PORTS)]).widened).toEqual([
      { text: 'shop/api-1 > shop/db', to: 'shop/app=api' },
    ]);
  });

  it('grants the outside without the addresses of the cluster', () => {
    const { policies, excess, missing } = from([wish('shop/db', '0.0.0.0/0', portRange('TCP', 443, 443))]);
    expect({ excess, missing }).toEqual({ excess: [], missing: [] });
    const [, db] = policies;
    expect(JSON.stringify(db!.spec)).toContain('"cidr":"0.0.0.0/0","except":["10.0.0.1/32","10.0.0.2/31"');
  });

  it('refuses what Kubernetes has no words for, and says it in Calico’s', () => {
    const ping = [wish('shop/api-1', 'shop/db', union(ALL_ICMP, portRange('TCP', 80, 80)))];
    const kubernetes = from(ping);
    expect(kubernetes.inexpressible.map(({ reason }) => reason)).toEqual([
      'a Kubernetes NetworkPolicy names only TCP, UDP and SCTP, not ICMP; use --api calico',
    ]);
    expect(kubernetes.excess).toEqual([]);
    const calico = from(ping, 'calico');
    expect([calico.inexpressible, calico.excess, calico.missing]).toEqual([[], [], []]);
    expect(calico.policies[1]!.spec).toEqual({
      selector: 'app == "api" && !has(canary)',
      types: ['Egress'],
      egress: [
        { action: 'Allow', protocol: 'TCP', destination: { selector: 'app == "db"', ports: [80] } },
        { action: 'Allow', protocol: 'ICMP', ipVersion: 4, destination: { selector: 'app == "db"' } },
        { action: 'Allow', protocol: 'ICMPv6', ipVersion: 6, destination: { selector: 'app == "db"' } },
      ],
    });
  });

  it('says when no policy of the namespaces can grant a wish', () => {
    const { inexpressible, policies } = from([wish('web/front', 'kube-system/dns', portRange('UDP', 53, 53))]);
    expect(inexpressible.map(({ text }) => text)).toEqual(['web/front > kube-system/dns']);
    expect(policies).toHaveLength(1);
  });

  it('takes no block of the cluster for the outside', () => {
    const clusterBlocks = [parseCidr('10.0.0.0/16')!];
    const wishes = [wish('shop/db', '10.0.0.0/8', portRange('TCP', 443, 443))];
    const { policies, ...result } = generate(state, wishes, { api: 'kubernetes', namespaces: ['shop'], clusterBlocks });
    expect(result).toEqual({ missing: [], excess: [], inexpressible: [], widened: [] });
    expect(JSON.stringify(policies)).not.toContain('"cidr":"10.0.');
  });

  it('reports addresses left out because they lie between many of the cluster', () => {
    const scattered = Array.from({ length: 40 }, (_, i) => podOf('far', `pod-${i}`, { app: 'x' }, `10.9.${i}.${i}`));
    const crowded = clusterState({
      namespaces: [],
      pods: [podOf('shop', 'db', { app: 'db' }, '10.0.0.4'), ...scattered],
    });
    const { from: source } = wish('shop/db', 'shop/db', ALL_PORTS);
    const wishes = [
      {
        ...wish('shop/db', '10.0.0.0/8', portRange('TCP', 443, 443)),
        from: { ...source, pods: [crowded.pods.get('shop/db')!] },
      },
    ];
    const { missing, excess, policies } = generate(crowded, wishes, { api: 'kubernetes', namespaces: ['shop'] });
    expect(excess).toEqual([]);
    expect(missing.map(({ from: who, ports }) => `${who} ${formatPorts(ports)}`)).toEqual(['shop/db TCP 443']);
    expect(JSON.stringify(policies).match(/"10\.9\.[^"]*"/g)!.length).toBeLessThanOrEqual(16);
  });
});

function from(wishes: readonly Wish[], api: PolicyApi = 'kubernetes') {
  return generate(state, wishes, { api, namespaces: ['shop'] });
}

function wish(source: string, destination: string, ports: PortSet): Wish {
  return { from: end(source), to: end(destination), ports, text: `${source} > ${destination}` };
}

function end(text: string): WishedEnd {
  const cidr = parseCidr(text);
  const pod = state.pods.get(text);
  return {
    pods: pod === undefined ? [] : [pod],
    nodes: [],
    ranges: { 4: cidr === undefined ? [] : [rangeOf(cidr)], 6: [] },
  };
}

function podOf(namespace: string, name: string, labels: Record<string, string>, ip: string): Pod {
  return {
    metadata: { namespace, name, labels },
    spec: { nodeName: 'node-0', containers: [] },
    status: { phase: 'Running', podIPs: [{ ip }] },
  };
}

function nodeOf(name: string, address: string): Node {
  return { metadata: { name }, status: { addresses: [{ type: 'InternalIP', address }] } };
}
