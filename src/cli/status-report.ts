import type { AgentStatus } from '../app/agent/status.ts';
import { formatCidr, formatIp } from '../base/ip/index.ts';
import { usageOf } from '../core/ipam/index.ts';
import { PolicyEngine, clusterState, type Direction, type PodEndpoint } from '../core/policy/index.ts';
import { kubeBlockStore } from '../host/ipam-store/kube-block-store.ts';
import { isNotFound } from '../host/kube-client/errors.ts';
import type { KubeClient } from '../host/kube-client/types.ts';
import type { ClusterSnapshot } from './cluster.ts';

/** What `sluice status` shows, as data. */
export interface StatusReport {
  readonly nodes: readonly {
    readonly name: string;
    readonly ready: boolean;
    readonly addresses: readonly string[];
    readonly pods: number;
    /** What its agent says, or why it could not be asked. */
    readonly agent: AgentStatus | string;
  }[];
  readonly pods: readonly {
    readonly name: string;
    readonly phase: string;
    readonly ready: boolean;
    readonly node: string | undefined;
    readonly addresses: readonly string[];
    /** Whether its node's kernel has it: the host side of its interface, or why not. */
    readonly programmed: string;
    /** Policies that isolate it, by direction. */
    readonly ingress: readonly string[];
    readonly egress: readonly string[];
  }[];
  readonly pools: readonly PoolUse[];
  readonly blocks: readonly BlockUse[];
  readonly policies: readonly {
    readonly name: string;
    readonly directions: readonly Direction[];
    readonly selects: readonly string[];
    /** Nodes whose kernel enforces it for at least one pod. */
    readonly programmedOn: readonly string[];
  }[];
  readonly problems: readonly string[];
}

/** An address pool and how full it is; counts are text because an IPv6 pool has more than a number holds. */
export interface PoolUse {
  readonly name: string;
  readonly cidr: string;
  readonly disabled: boolean;
  readonly used: string;
  readonly size: string;
  readonly blocks: number;
}

/** What the cluster's addresses are made of. */
export interface AddressUse {
  readonly pools: readonly PoolUse[];
  readonly blocks: readonly BlockUse[];
}

/** An address block and how full it is. */
export interface BlockUse {
  readonly cidr: string;
  readonly node: string | undefined;
  readonly used: number;
  readonly size: number;
}

/** What `programmed` says of pods that are behind no interface, or none that is known. */
const [HOST_NETWORK, UNKNOWN, NO] = ['host network', 'unknown', 'no'] as const;
const NOT_PROGRAMMED: readonly string[] = [HOST_NETWORK, UNKNOWN, NO];

/** Puts the status together. `agents` holds what each node's agent said, or why it could not be asked. */
export function statusReport(
  snapshot: ClusterSnapshot,
  addresses: AddressUse,
  agents: ReadonlyMap<string, AgentStatus | string>,
): StatusReport {
  const state = clusterState(snapshot);
  const engine = new PolicyEngine(state);
  const endpoints = [...state.pods.values()];
  const isolating = (pod: PodEndpoint, direction: Direction): string[] =>
    pod.hostNetwork || pod.completed
      ? []
      : engine.plan(pod, direction).flatMap(({ policies }) => policies.map(({ policy }) => shortName(policy.key)));
  const programmed = (pod: PodEndpoint): string => {
    if (pod.hostNetwork) return HOST_NETWORK;
    const agent = agents.get(pod.node ?? '');
    if (agent === undefined || typeof agent === 'string') return UNKNOWN;
    return agent.endpoints.find((each) => each.pod === pod.key)?.interface ?? NO;
  };
  const pods = endpoints
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map((pod) => ({
      name: pod.key,
      phase:
        snapshot.pods.find(({ metadata }) => `${metadata?.namespace}/${metadata?.name}` === pod.key)?.status?.phase ??
        'Unknown',
      ready: pod.ready || pod.completed,
      node: pod.node,
      addresses: pod.addresses.map(formatIp),
      programmed: programmed(pod),
      ingress: isolating(pod, 'ingress'),
      egress: isolating(pod, 'egress'),
    }));
  const policies = state.tiers
    .flatMap((tier) => tier.policies)
    .map((policy) => {
      const name = shortName(policy.key);
      const selected = pods.filter((pod) => pod.ingress.includes(name) || pod.egress.includes(name));
      const enforced = selected.filter((pod) => !NOT_PROGRAMMED.includes(pod.programmed));
      return {
        name,
        directions: (['ingress', 'egress'] as const).filter((direction) => policy.applies[direction]),
        selects: selected.map((pod) => pod.name),
        programmedOn: [...new Set(enforced.flatMap((pod) => pod.node ?? []))].sort(),
      };
    });
  const nodes = snapshot.nodes.map(({ metadata, status }) => ({
    name: metadata?.name ?? '',
    ready: status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True',
    addresses: (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address),
    pods: endpoints.filter((pod) => pod.node === metadata?.name && !pod.completed).length,
    agent: agents.get(metadata?.name ?? '') ?? 'unknown',
  }));
  return { nodes, pods, ...addresses, policies, problems: problemsOf(state.issues, agents) };
}

/** The address pools and blocks of the cluster; none when Sluice is not installed in it. */
export async function readAddresses(client: KubeClient): Promise<AddressUse> {
  const store = kubeBlockStore({ client, report: () => undefined });
  try {
    const [pools, stored] = await Promise.all([store.listPools(), store.listBlocks()]);
    const usage = usageOf(
      pools,
      stored.map(({ value }) => value),
    );
    const blocks = [...usage.pools.flatMap((pool) => pool.blocks), ...usage.outside];
    return {
      pools: usage.pools.map(({ pool, used, total, blocks: within }) => ({
        name: pool.name,
        cidr: formatCidr(pool.cidr),
        disabled: pool.disabled,
        used: String(used),
        size: String(total),
        blocks: within.length,
      })),
      blocks: blocks.map(({ block, used, total }) => ({
        cidr: formatCidr(block.cidr),
        node: block.node,
        used,
        size: total,
      })),
    };
  } catch (error) {
    if (isNotFound(error)) return { pools: [], blocks: [] };
    throw error;
  }
}

function problemsOf(
  issues: readonly { readonly policy: string; readonly source: { readonly path: string }; readonly message: string }[],
  agents: ReadonlyMap<string, AgentStatus | string>,
): string[] {
  const policies = issues.map(({ policy, source, message }) => `${shortName(policy)}: ${source.path}: ${message}`);
  const nodes = [...agents].flatMap(([node, agent]) => {
    if (typeof agent === 'string') return [];
    const failures = [
      agent.ready ? undefined : agent.reason,
      agent.packetFilter.error,
      agent.network.error,
      ...(agent.pathMtus?.narrow ?? []).map(
        ({ peer, mtu, route }) => `packets for node ${peer} may have ${mtu} bytes, though the route says ${route}`,
      ),
      agent.wireguard?.error,
      ...(agent.wireguard?.problems ?? []).map(({ message }) => message),
      agent.policyOnly?.bridgeProblem,
      ...Object.entries(agent.policyOnly?.unenforced ?? {}).map(
        ([pod, problem]) => `the policies of pod ${pod} are not enforced: ${problem}`,
      ),
    ];
    return failures.flatMap((failure) => (failure === undefined || failure === '' ? [] : [`${node}: ${failure}`]));
  });
  return [...policies, ...nodes];
}

/** `namespace/name` of a policy's key `NetworkPolicy/namespace/name`; other kinds keep theirs. */
function shortName(key: string): string {
  return key.replace(/^NetworkPolicy\//u, '');
}
