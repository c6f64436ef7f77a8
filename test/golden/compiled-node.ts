import { parseCidr, parseIp } from '../../src/base/ip/index.ts';
import type { Ip } from '../../src/base/ip/index.ts';
import { createCalcEngine } from '../../src/core/calc/index.ts';
import type { CalcEngine, Delta } from '../../src/core/calc/index.ts';
import type { Pod } from '../../src/core/kube/types.ts';
import { interpret } from '../../src/core/nft/interpret.ts';
import { addressKey, CT_STATE, TCP_FLAG } from '../../src/core/nft/index.ts';
import type { Ruleset } from '../../src/core/nft/index.ts';
import { digest } from '../../src/core/nft/names.ts';
import { namespaceInfo, nodeEndpoint, normaliseNetworkPolicy, podEndpoint } from '../../src/core/policy/index.ts';
import type { OracleCluster } from './oracle.ts';

/** The host-side interface that the tests give a pod. */
export function interfaceOf(pod: string): string {
  return `slc${digest(pod).slice(0, 8)}`;
}

/** Every object of the cluster as deltas for `node`, with an interface wired for each of its pods. */
export function deltasOf(cluster: OracleCluster, node: string): Delta[] {
  const pools = ['10.244.0.0/16', 'fd00:10:244::/56'].map((cidr): Delta => ({
    kind: 'pool',
    key: cidr,
    value: { name: cidr, cidr: parseCidr(cidr)!, natOutgoing: true },
  }));
  const policies = cluster.networkPolicies.map((each) => normaliseNetworkPolicy(each).policy);
  return [
    ...pools,
    ...cluster.namespaces.map(namespaceInfo).map((value): Delta => ({ kind: 'namespace', key: value.name, value })),
    ...cluster.nodes.map(nodeEndpoint).map((value): Delta => ({ kind: 'node', key: value.name, value })),
    ...cluster.pods.map(podEndpoint).map((value): Delta => ({ kind: 'pod', key: value.key, value })),
    ...cluster.nodes
      .filter((each) => each.metadata?.name !== node)
      .map((each, i): Delta => ({
        kind: 'peer',
        key: each.metadata!.name!,
        value: { macs: [`66:00:00:00:00:0${i}`], outers: [], hops: [], mark: (i + 1) << 8 },
      })),
    ...policies.map((value): Delta => ({ kind: 'policy', key: value.key, value })),
    ...cluster.pods.flatMap((pod) => wiredPod(pod, node)),
  ];
}

function wiredPod(pod: Pod, node: string): Delta[] {
  if (pod.spec?.nodeName !== node || pod.spec.hostNetwork === true) return [];
  const key = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
  const addresses = pod.status!.podIPs!.map((each) => parseIp(each.ip!)!);
  return [{ kind: 'local-endpoint', key, value: { id: key, interface: interfaceOf(key), pod: key, addresses } }];
}

/** A settled engine of one node. */
export function engineOf(cluster: OracleCluster, node: string): CalcEngine {
  const engine = createCalcEngine({ node });
  for (const delta of deltasOf(cluster, node)) engine.apply(delta);
  engine.flush();
  return engine;
}

/** A place that packets come from or go to. */
export interface Place {
  /** `namespace/name` of a pod with an interface. */
  readonly pod?: string;
  /** The node that it is or runs on; absent for the world outside. */
  readonly node?: string;
  readonly ip: Ip;
}

/**
 * Sends a connection's first packet through the filters of the nodes that it crosses, the source's and then the
 * destination's, and says whether it arrives.
 */
export function packetArrives(
  rulesets: ReadonlyMap<string, Ruleset>,
  cluster: OracleCluster,
  from: Place,
  to: Place,
  protocol: number,
  port: number,
): boolean {
  const crossed = new Set([from.node, to.node].filter((node) => node !== undefined));
  for (const node of crossed) {
    const own = cluster.nodes.find((each) => each.metadata?.name === node)!;
    const addresses = new Set(
      [...own.status!.addresses!.map((each) => each.address), ...Object.values(own.metadata!.annotations!)].map(
        (text) => addressKey(parseIp(text)!),
      ),
    );
    const isHere = from.node === node;
    const { verdict } = interpret(
      rulesets.get(node)!,
      {
        source: addressKey(from.ip),
        destination: addressKey(to.ip),
        protocol,
        sourcePort: 40000,
        destinationPort: port,
        tcpFlags: TCP_FLAG.SYN,
        inputInterface: !isHere ? 'eth0' : from.pod === undefined ? '' : interfaceOf(from.pod),
        outputInterface: '',
        ctState: CT_STATE.NEW,
        ctMark: 0,
        mark: 0,
      },
      {
        isLocal: (address) => addresses.has(address),
        route: () => (to.node !== node ? 'eth0' : to.pod === undefined ? 'lo' : interfaceOf(to.pod)),
        random: () => 0,
      },
    );
    if (verdict !== 'accept') return false;
  }
  return true;
}
