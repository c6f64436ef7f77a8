import type { AgentStatus } from '../app/agent/status.ts';
import { formatIp } from '../base/ip/index.ts';
import { PolicyEngine, clusterState, type Direction, type PodEndpoint } from '../core/policy/index.ts';
import { listAll } from '../host/kube-client/list-all.ts';
import { IPAM_BLOCKS } from '../host/kube-client/resources.ts';
import { isNotFound } from '../host/kube-client/errors.ts';
import type { KubeClient, KubeObject } from '../host/kube-client/types.ts';
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

/** An address block and how full it is. */
export interface BlockUse {
  readonly cidr: string;
  readonly node: string | undefined;
  readonly used: number;
  readonly size: number;
}

/** Puts the status together. `agents` holds what each node's agent said, or why it could not be asked. */
export function statusReport(
  snapshot: ClusterSnapshot,
  blocks: readonly BlockUse[],
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
    if (pod.hostNetwork) return 'host network';
    const agent = agents.get(pod.node ?? '');
    if (agent === undefined || typeof agent === 'string') return 'unknown';
    return agent.endpoints.find((each) => each.pod === pod.key)?.interface ?? 'no';
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
      const enforced = selected.filter((pod) => pod.programmed.startsWith('slc'));
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
  return { nodes, pods, blocks, policies, problems: problemsOf(state.issues, agents) };
}

/** The address blocks of the cluster; none when Sluice is not installed in it. */
export async function readBlocks(client: KubeClient): Promise<readonly BlockUse[]> {
  try {
    return (await listAll<BlockObject, BlockUse>(client, IPAM_BLOCKS, {}, blockUse)).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

interface BlockObject extends KubeObject {
  readonly spec?: {
    readonly cidr?: string;
    readonly affinity?: string;
    readonly allocations?: readonly (number | null)[];
  };
}

function blockUse({ spec }: BlockObject): BlockUse {
  const allocations = spec?.allocations ?? [];
  return {
    cidr: spec?.cidr ?? '',
    node: spec?.affinity?.replace(/^host:/u, ''),
    used: allocations.filter((index) => index !== null).length,
    size: allocations.length,
  };
}

function problemsOf(
  issues: readonly { readonly policy: string; readonly source: { readonly path: string }; readonly message: string }[],
  agents: ReadonlyMap<string, AgentStatus | string>,
): string[] {
  const policies = issues.map(({ policy, source, message }) => `${shortName(policy)}: ${source.path}: ${message}`);
  const nodes = [...agents].flatMap(([node, agent]) => {
    if (typeof agent === 'string') return [];
    const failures = [agent.ready ? undefined : agent.reason, agent.packetFilter.error, agent.network.error];
    return failures.flatMap((failure) => (failure === undefined || failure === '' ? [] : [`${node}: ${failure}`]));
  });
  return [...policies, ...nodes];
}

/** `namespace/name` of a policy's key `NetworkPolicy/namespace/name`; other kinds keep theirs. */
function shortName(key: string): string {
  return key.replace(/^NetworkPolicy\//u, '');
}
