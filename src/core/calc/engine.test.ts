import { beforeEach, describe, expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { interpret } from '../nft/interpret.ts';
import { addressKey, ifnameKey } from '../nft/key.ts';
import { CT_STATE, IPPROTO, TCP_FLAG } from '../nft/model.ts';
import type { Transaction } from '../nft/model.ts';
import { SETS } from '../nft/names.ts';
import type { PodEndpoint } from '../policy/cluster.ts';
import { normaliseNetworkPolicy } from '../policy/normalise/network-policy.ts';
import type { ServiceSpec, SliceSpec } from '../service/model.ts';
import { createCalcEngine } from './engine.ts';
import type { CalcEngine, Delta } from './model.ts';

let engine: CalcEngine;

beforeEach(() => {
  engine = createCalcEngine({ node: 'node-1' });
  engine.apply(policy('web', { app: 'web' }, { role: 'client' }));
  engine.apply(pod('web-1', '10.244.0.2', { app: 'web' }));
  engine.apply(pod('client', '10.244.9.9', { role: 'client' }, 'node-2'));
  engine.apply(wire('web-1', '10.244.0.2'));
  engine.flush();
});

describe('the calculation', () => {
  it('makes a new pod with known labels a matter of elements only', () => {
    engine.apply(pod('web-2', '10.244.0.3', { app: 'web' }));
    engine.apply(wire('web-2', '10.244.0.3'));
    expect(kindsOf(engine.flush().transaction)).toEqual(['add-elements']);
  });

  it('leaves no Service to IPVS that has the node itself as an endpoint, from when the node has that address', () => {
    engine = createCalcEngine({ node: 'node-1', families: [4], services: 'ipvs' });
    const [own, cluster] = [parseIp('172.30.1.11')!, parseIp('10.96.0.1')!];
    const ports = [{ name: '', protocol: 'TCP', port: 443 }] as const;
    const service: ServiceSpec = {
      key: 'default/api',
      addresses: [cluster],
      clusterIps: [cluster],
      ports,
      externalLocal: false,
    };
    const slice: SliceSpec = {
      key: 'default/api-1',
      service: 'default/api',
      ports,
      endpoints: [{ address: own, node: 'node-1', ready: true }],
    };
    engine.apply({ kind: 'service', key: service.key, value: service });
    engine.apply({ kind: 'slice', key: slice.key, value: slice });
    engine.flush();
    const elements = (set: string) => engine.ruleset().sets.get(set)!.elements.size;
    expect([[...engine.virtualServers().keys()], elements(SETS.balanced(4)), elements(SETS.services(4))]).toEqual([
      ['TCP 10.96.0.1 443'],
      1,
      0,
    ]);
    engine.apply({
      kind: 'node',
      key: 'node-1',
      value: { name: 'node-1', labels: {}, addresses: [own], tunnelAddresses: [] } as never,
    });
    expect([...engine.flush().servers]).toEqual(['TCP 10.96.0.1 443']);
    expect([engine.virtualServers().size, elements(SETS.balanced(4)), elements(SETS.services(4))]).toEqual([0, 0, 1]);
  });

  it('makes a relabelling a matter of elements only, and names the pods that may lose a connection', () => {
    engine.apply(pod('client', '10.244.9.9', { role: 'stranger' }, 'node-2'));
    const { transaction, shrunk, grown } = engine.flush();
    expect(transaction).toMatchObject([
      { op: 'delete-elements', elements: [[addressKey(parseIp('10.244.9.9')!), '']] },
    ]);
    expect([...shrunk]).toEqual(['web-1']);
    expect([...grown]).toEqual([]);
    engine.apply(pod('client', '10.244.9.9', { role: 'client' }, 'node-2'));
    expect([...engine.flush().grown]).toEqual(['web-1']);
  });

  it('keeps an interface closed until its pod is known, and closes it when the pod has completed', () => {
    engine.apply(wire('late', '10.244.0.4'));
    engine.flush();
    expect(verdictOf('late')).toBe('drop');
    engine.apply(pod('late', '10.244.0.4', {}));
    engine.flush();
    expect(verdictOf('late')).toBe('accept');
    const { value } = pod('late', '10.244.0.4', {}) as { value: PodEndpoint };
    engine.apply({ kind: 'pod', key: value.key, value: { ...value, completed: true, addresses: [] } });
    engine.flush();
    expect(verdictOf('late')).toBe('drop');
  });

  it('knows a local pod as a peer by the address that CNI gave it, before its status has one', () => {
    const { value } = pod('early', '10.244.0.5', { role: 'client' }) as { value: PodEndpoint };
    engine.apply({ kind: 'pod', key: value.key, value: { ...value, addresses: [] } });
    engine.apply(wire('early', '10.244.0.5'));
    engine.flush();
    const peers = [...engine.ruleset().sets].find(([name]) => name.startsWith('pods4-'))!;
    expect([...peers[1].elements.keys()]).toContain(addressKey(parseIp('10.244.0.5')!));
  });

  it('has no chains or sets for policies that select no pod of this node', () => {
    engine.apply(policy('elsewhere', { app: 'elsewhere' }, { role: 'other' }));
    expect(engine.flush().transaction).toEqual([]);
  });

  it('keeps an address that a new pod has taken over while the old one is still listed', () => {
    engine.apply(pod('client-2', '10.244.9.9', { role: 'client' }, 'node-2'));
    engine.apply({ kind: 'pod', key: 'default/client' });
    expect(engine.flush().transaction).toEqual([]);
  });

  it('lets nothing pass between pods that belongs to no connection, since it would pass untranslated, too', () => {
    const [web, client] = ['10.244.0.2', '10.244.9.9'].map((text) => addressKey(parseIp(text)!)) as [string, string];
    const arrives = (ctState: number) =>
      interpret(
        engine.ruleset(),
        {
          source: web,
          destination: client,
          protocol: IPPROTO.TCP,
          sourcePort: 8080,
          destinationPort: 40_000,
          tcpFlags: TCP_FLAG.SYN | TCP_FLAG.ACK,
          inputInterface: 'slc-web-1',
          outputInterface: '',
          ctState,
          ctMark: 0,
          mark: 0,
        },
        { isLocal: () => false, route: () => 'eth0', random: () => 0 },
      ).verdict;
    expect([arrives(CT_STATE.ESTABLISHED), arrives(CT_STATE.INVALID)]).toEqual(['accept', 'drop']);
  });

  it('exchanges an endpoint of a Service by elements only, and names the UDP flows to the old one', () => {
    engine.apply(service);
    engine.apply(slice('10.244.0.2', '10.244.9.9'));
    engine.flush();
    engine.apply(slice('10.244.0.2', '10.244.9.10'));
    const { transaction, conntrackFlush } = engine.flush();
    expect(kindsOf(transaction)).toEqual(['delete-elements', 'add-elements']);
    expect(conntrackFlush).toEqual([
      {
        protocol: 'UDP',
        family: 4,
        address: parseIp('10.96.0.10'),
        port: 53,
        endpoints: ['10.244.0.2', '10.244.9.10'].map((each) => ({ address: parseIp(each), port: 5353 })),
      },
    ]);
  });
});

const service: Delta = {
  kind: 'service',
  key: 'default/dns',
  value: {
    key: 'default/dns',
    addresses: [parseIp('10.96.0.10')!],
    clusterIps: [parseIp('10.96.0.10')!],
    ports: [{ name: '', protocol: 'UDP', port: 53 }],
    externalLocal: false,
  } satisfies ServiceSpec,
};

function slice(...addresses: string[]): Delta {
  const value: SliceSpec = {
    key: 'default/dns-1',
    service: 'default/dns',
    ports: [{ name: '', protocol: 'UDP', port: 5353 }],
    endpoints: addresses.map((text) => ({ address: parseIp(text)!, ready: true })),
  };
  return { kind: 'slice', key: value.key, value };
}

function pod(name: string, ip: string, labels: Record<string, string>, node = 'node-1'): Delta {
  const key = `default/${name}`;
  const value: PodEndpoint = {
    kind: 'pod',
    key,
    namespace: 'default',
    name,
    labels,
    node,
    addresses: [parseIp(ip)!],
    hostNetwork: false,
    completed: false,
    ready: true,
    serviceAccount: 'default',
    ports: [],
  };
  return { kind: 'pod', key, value };
}

function wire(name: string, ip: string): Delta {
  const endpoint = { id: name, interface: `slc-${name}`, pod: `default/${name}`, addresses: [parseIp(ip)!] };
  return { kind: 'local-endpoint', key: name, value: endpoint };
}

function policy(name: string, subject: Record<string, string>, peer: Record<string, string>): Delta {
  const { policy: value } = normaliseNetworkPolicy({
    metadata: { name, namespace: 'default' },
    spec: {
      podSelector: { matchLabels: subject },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ podSelector: { matchLabels: peer } }] }],
    },
  });
  return { kind: 'policy', key: value.key, value };
}

function kindsOf(transaction: Transaction): string[] {
  return [...new Set(transaction.map(({ op }) => op))];
}

function verdictOf(name: string): string | undefined {
  return engine
    .ruleset()
    .sets.get(SETS.ingress)
    ?.elements.get(ifnameKey(`slc-${name}`));
}
