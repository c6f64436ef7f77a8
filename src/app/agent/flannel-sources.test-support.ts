import { pause } from '../../host/kube-client/pause.ts';
import { NODES } from '../../host/kube-client/resources.ts';
import { informer } from '../../host/kube-client/informer.ts';
import type { KubeClient, KubeObject } from '../../host/kube-client/types.ts';
import type { Etcd } from '../../host/etcd/types.ts';

/** What a node of a flannel network says in one family. */
export interface SaidLease {
  readonly v6: boolean;
  readonly subnet: string;
  readonly publicIp: string;
  /** JSON: `{"VNI":1,"VtepMAC":"…"}`, or `null`. */
  readonly data: string;
}

/** Where nodes of a flannel network tell each other of themselves. */
export interface LeaseSource {
  publish(node: string, type: string, said: readonly SaidLease[]): Promise<void>;
  /** Tells of the leases of all others that have this type and all of these families; undefined: it is gone. */
  follow(
    self: { readonly node: string; readonly type: string; readonly families: number },
    onLeases: (key: string, said: readonly SaidLease[] | undefined) => void,
    signal: AbortSignal,
  ): void;
}

interface NodeObject extends KubeObject {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: { readonly podCIDRs?: readonly string[] };
}

const A = 'flannel.alpha.coreos.com/';
const ANNOTATIONS = [
  { v6: false, data: `${A}backend-data`, publicIp: `${A}public-ip` },
  { v6: true, data: `${A}backend-v6-data`, publicIp: `${A}public-ipv6` },
] as const;

/** Annotations and podCIDRs of Nodes: flannel's pkg/subnet/kube. */
export function annotatedLeases(client: KubeClient): LeaseSource {
  return {
    publish: async (node, type, said) => {
      const annotations: Record<string, string> = {
        [`${A}kube-subnet-manager`]: 'true',
        [`${A}backend-type`]: type,
      };
      for (const { v6, publicIp, data } of said) {
        const names = ANNOTATIONS.find((each) => each.v6 === v6)!;
        annotations[names.publicIp] = publicIp;
        annotations[names.data] = data;
      }
      await client.patch(NODES, { name: node }, 'merge', { metadata: { annotations } });
    },
    follow: ({ node: self, type, families }, onLeases, signal) => {
      const tell = (key: string, node: NodeObject | undefined): void => {
        if (node === undefined) return onLeases(key, undefined);
        const { annotations = {} } = node.metadata;
        if (annotations[`${A}kube-subnet-manager`] !== 'true' || annotations[`${A}backend-type`] !== type) return;
        const said = ANNOTATIONS.flatMap(({ v6, data, publicIp }) => {
          const subnet = node.spec?.podCIDRs?.find((each) => each.includes(':') === v6);
          const address = annotations[publicIp];
          if (subnet === undefined || address === undefined) return [];
          return [{ v6, subnet, publicIp: address, data: annotations[data] ?? 'null' }];
        });
        // A Node that lacks what an enabled family needs is left out altogether.
        if (said.length >= families) onLeases(key, said);
      };
      informer<NodeObject, NodeObject>(
        client,
        NODES,
        {
          project: (node) => node,
          onDelta: (delta) => {
            if (delta.key !== self) tell(delta.key, delta.kind === 'set' ? delta.object : undefined);
          },
        },
        signal,
      );
    },
  };
}

/** What flannel keeps of a lease in etcd. */
interface StoredLease {
  readonly PublicIP: string;
  readonly PublicIPv6: string | null;
  readonly BackendType: string;
  readonly BackendData?: unknown;
  readonly BackendV6Data?: unknown;
}

const SUBNETS = '/coreos.com/network/subnets/';
const keyOf = (said: readonly { readonly subnet: string }[]): string =>
  said.map(({ subnet }) => subnet.replace('/', '-')).join('&');

/** Keys of etcd: flannel's pkg/subnet/etcd, but for which subnet a node takes, which it is told. */
export function storedLeases(etcd: Etcd): LeaseSource {
  const own = new Map<string, string>();
  return {
    publish: async (node, type, said) => {
      const [v4, v6] = [said.find((each) => !each.v6)!, said.find((each) => each.v6)];
      const data = (each: SaidLease | undefined): unknown => JSON.parse(each?.data ?? 'null') ?? undefined;
      const lease: StoredLease = {
        PublicIP: v4.publicIp,
        PublicIPv6: v6?.publicIp ?? null,
        BackendType: type,
        BackendData: data(v4),
        BackendV6Data: data(v6),
      };
      own.set(node, keyOf(said));
      await etcd.put(SUBNETS + keyOf(said), JSON.stringify(lease), await etcd.grantLease(86_400));
    },
    follow: ({ node, type }, onLeases, signal) => {
      let known: string[] = [];
      const tell = (key: string, value: string | undefined): void => {
        const name = key.slice(SUBNETS.length);
        if (name === own.get(node)) return;
        const lease = value === undefined ? undefined : (JSON.parse(value) as StoredLease);
        if (lease === undefined) onLeases(name, undefined);
        else if (lease.BackendType === type) onLeases(name, saidOf(name, lease));
      };
      const watch = async (): Promise<void> => {
        const { items, revision } = await etcd.range({ prefix: SUBNETS });
        for (const { key, value } of items) tell(key, value);
        for (const key of known) if (!items.some((item) => item.key === key)) tell(key, undefined);
        known = items.map(({ key }) => key);
        for await (const { events } of etcd.watch({ prefix: SUBNETS }, revision + 1, signal))
          for (const { kind, item } of events) {
            known.push(item.key);
            tell(item.key, kind === 'put' ? item.value : undefined);
          }
      };
      const follow = async (): Promise<void> => {
        // Whatever ends a watch: read all anew.
        while (!signal.aborted) await watch().catch(() => pause(200, signal));
      };
      void follow();
    },
  };
}

function saidOf(key: string, lease: StoredLease): readonly SaidLease[] {
  return key.split('&').map((part) => {
    const v6 = part.includes(':');
    const data = JSON.stringify((v6 ? lease.BackendV6Data : lease.BackendData) ?? null);
    return { v6, subnet: part.replace('-', '/'), publicIp: v6 ? lease.PublicIPv6! : lease.PublicIP, data };
  });
}
