import { describe, expect, it } from 'vitest';
import { formatCidr, formatIp, cidrsOf, parseIp } from '../../base/ip/index.ts';
import type { NetworkPolicy, Node, Pod } from '../kube/types.ts';
import { clusterState, PolicyEngine } from '../policy/index.ts';
import { diff } from './diff/diff.ts';
import type { CommonEnd } from './diff/model.ts';
import { formatPorts, portRange } from './port-set.ts';
import { reach } from './reach.ts';
import type { Endpoint, EndpointRef } from './model.ts';
import { sampleTraffic, witness } from './witness.ts';

const db: NetworkPolicy = {
  metadata: { name: 'db', namespace: 'shop' },
  spec: {
    podSelector: { matchLabels: { app: 'db' } },
    policyTypes: ['Ingress'],
    ingress: [
      { from: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 'sql' }] },
      { from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }], ports: [{ port: 22 }] },
      { from: [{ ipBlock: { cidr: '2001:db8::/32' } }], ports: [{ protocol: 'UDP', port: 53 }] },
    ],
  },
};
const objects = {
  namespaces: [{ metadata: { name: 'shop' } }],
  nodes: [nodeOf('n1', '172.30.0.1'), nodeOf('n2', '172.30.0.2')],
  pods: [
    podOf('web-1', { app: 'web', 'pod-template-hash': 'a' }, 'n1', ['10.0.0.1', 'fd00::1']),
    podOf('web-2', { app: 'web', 'pod-template-hash': 'b' }, 'n2', ['10.0.0.2', 'fd00::2']),
    podOf('other', { app: 'other' }, 'n1', ['10.1.0.1', '2001:db8::1']),
    podOf('db', { app: 'db' }, 'n1', ['10.0.0.9', 'fd00::9']),
    {
      ...podOf('done', { app: 'web' }, 'n1', ['10.0.0.8']),
      status: { phase: 'Succeeded', podIPs: [{ ip: '10.0.0.8' }] },
    },
    { ...podOf('host', { app: 'web' }, 'n2', []), spec: { nodeName: 'n2', hostNetwork: true, containers: [] } },
  ],
  networkPolicies: [db],
};
const reachability = reach(clusterState(objects));

describe('reach', () => {
  it('puts pods into one group when no policy tells them apart', () => {
    const pods = reachability.groups.flatMap((group) =>
      group.kind === 'pods' ? [group.pods.map(({ name }) => name)] : [],
    );
    expect(pods).toEqual([['db'], ['other'], ['web-1', 'web-2']]);
  });

  it.each<[string, EndpointRef, string, string]>([
    ['a pod', { kind: 'pod', key: 'shop/web-1' }, 'TCP 22, TCP 5432', 'TCP 5432'],
    ['a pod in other blocks', { kind: 'pod', key: 'shop/other' }, 'nothing', 'UDP 53'],
    ['a hostNetwork pod, which is its node', { kind: 'pod', key: 'shop/host' }, 'nothing', 'absent'],
    ['the own node', { kind: 'node', name: 'n1' }, 'all traffic', 'absent'],
    ['an address of a block', { kind: 'address', ip: parseIp('10.200.0.1')! }, 'TCP 22', 'absent'],
    ['an address that a completed pod had', { kind: 'address', ip: parseIp('10.0.0.8')! }, 'TCP 22', 'absent'],
    ['an exception of it', { kind: 'address', ip: parseIp('10.1.2.3')! }, 'nothing', 'absent'],
    ['the pod itself', { kind: 'pod', key: 'shop/db' }, 'all traffic', 'all traffic'],
  ])('tells by family what may come from %s', (_, ref, four, six) => {
    const { byFamily } = reachability.connection(end(ref), end({ kind: 'pod', key: 'shop/db' }));
    const text = (set: readonly number[] | undefined) => (set === undefined ? 'absent' : formatPorts(set));
    expect([text(byFamily[4]), text(byFamily[6])]).toEqual([four, six]);
  });

  it('splits the outside at the edges of blocks, and an exception is like what no block has', () => {
    const blocks = reachability.groups.flatMap((group) =>
      group.kind === 'addresses' ? [cidrsOf(group.ranges, group.family).map(formatCidr)] : [],
    );
    const has = (...texts: string[]) => blocks.map((own) => texts.every((text) => own.includes(text)));
    expect(blocks).toHaveLength(4);
    expect(has('10.0.0.0/16', '10.2.0.0/15', '10.128.0.0/9')).toEqual([false, true, false, false]);
    expect(has('10.1.0.0/16', '0.0.0.0/5', '128.0.0.0/1')).toEqual([true, false, false, false]);
    expect(has('2001:db8::/32')).toEqual([false, false, false, true]);
  });

  it('finds for a connection a flow that evaluate allows', () => {
    const engine = new PolicyEngine(reachability.state);
    for (const pair of reachability.pairs()) {
      const found = witness(reachability, pair.from, pair.to, pair)!;
      expect(found.to.ip ?? found.to.node ?? found.to.pod).toBeDefined();
      const party = ({ pod, node, ip }: typeof found.from) =>
        pod !== undefined
          ? engine.pod(pod, found.family)
          : ip !== undefined
            ? engine.address(ip)
            : engine.node(node!, found.family);
      const { allowed } = engine.evaluate({
        source: party(found.from),
        destination: party(found.to),
        ...found.traffic,
      });
      expect(allowed).toBe(true);
    }
  });

  it('takes for a flow the most usual traffic that there is', () => {
    expect(sampleTraffic(portRange('TCP'))).toEqual({ protocol: 'TCP', port: 80 });
    expect(sampleTraffic(portRange('SCTP', 7, 9))).toEqual({ protocol: 'SCTP', port: 7 });
    expect(sampleTraffic([])).toBeUndefined();
  });
});

describe('diff', () => {
  it('tells what opens and closes, and nothing of a policy that is only written differently', () => {
    const [web, ...rest] = db.spec!.ingress!;
    const changed: NetworkPolicy = {
      ...db,
      spec: { ...db.spec!, ingress: [rest[1]!, { ...web, ports: [{ port: 5432 }, { port: 80 }] }] },
    };
    const after = reach(clusterState({ ...objects, networkPolicies: [changed] }));
    const { opened, closed, added, removed } = diff(reachability, after);
    expect([added, removed]).toEqual([[], []]);
    const texts = (list: typeof opened) =>
      list.map(
        ({ from, to, ports }) => `${from.map(nameOf).join(' ')} > ${to.map(nameOf).join(' ')}: ${formatPorts(ports)}`,
      );
    expect(texts(opened)).toEqual(['web-1,web-2 > db: TCP 80']);
    expect(texts(closed)).toEqual(['web-1,web-2 > db: TCP 22', '10.0.0.0+ > db: TCP 22']);
  });

  it('tells of new and gone endpoints apart from what changes between those that stay', () => {
    const pods = [...objects.pods.slice(1), podOf('new', { app: 'web' }, 'n1', ['10.0.0.7'])];
    const change = diff(reachability, reach(clusterState({ ...objects, pods })));
    const { opened, closed, added, removed } = change;
    expect([opened, closed]).toEqual([[], []]);
    expect([added, removed].map((ends) => ends.map(({ key }) => key))).toEqual([['shop/new'], ['shop/web-1']]);
    const toDb = [...change.addedConnections()].filter(({ to }) => to.pod?.name === 'db');
    expect(toDb.map(({ ports }) => formatPorts(ports))).toEqual(['TCP 22, TCP 5432']);
  });
});

function nameOf(end: CommonEnd): string {
  if (end.kind === 'pods') return end.pods.map(({ name }) => name).join();
  return end.kind === 'addresses' ? `${formatIp({ family: end.family, value: end.ranges[0]!.first })}+` : end.kind;
}

function end(ref: EndpointRef): Endpoint {
  return reachability.resolve(ref)!;
}

function podOf(name: string, labels: Record<string, string>, nodeName: string, ips: readonly string[]): Pod {
  return {
    metadata: { namespace: 'shop', name, labels },
    spec: {
      nodeName,
      containers: [{ name: 'c', image: 'i', ports: name === 'db' ? [{ name: 'sql', containerPort: 5432 }] : [] }],
    },
    status: { phase: 'Running', podIPs: ips.map((ip) => ({ ip })) },
  };
}

function nodeOf(name: string, address: string): Node {
  return { metadata: { name }, status: { addresses: [{ type: 'InternalIP', address }] } };
}
