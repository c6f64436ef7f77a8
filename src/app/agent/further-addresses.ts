import { messageOf } from '../../base/errors.ts';
import { equalIp, formatIp } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { FURTHER_ADDRESSES_ANNOTATION } from '../../core/policy/endpoints.ts';
import { hostAddresses } from '../../core/routing/index.ts';
import { NODES } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import { readLinkFacts } from './own-addresses.ts';
import type { KnownNode } from './routing-objects.ts';

export interface FurtherAddressesDependencies {
  readonly client: Pick<KubeClient, 'patch'>;
  readonly netlink: Netlink;
  readonly nodes: () => ReadonlyMap<string, KnownNode>;
  /** Address pools of the cluster, where it has any. */
  readonly pools: () => readonly Cidr[];
  /** How the names of pods' interfaces begin. */
  readonly prefixes: () => readonly string[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Says in the Node object which addresses a node has besides those that its kubelet tells, where its network is somebody
 * else's: policies of all nodes that speak of nodes mean these, too.
 */
export class FurtherAddresses {
  readonly #node: string;
  readonly #dependencies: FurtherAddressesDependencies;

  constructor(node: string, dependencies: FurtherAddressesDependencies) {
    this.#node = node;
    this.#dependencies = dependencies;
  }

  /** Writes only what the object does not say already; what fails is logged, and left for the next time. */
  async publish(): Promise<void> {
    const { client, nodes, log, signal } = this.#dependencies;
    const known = nodes().get(this.#node);
    if (known === undefined) return;
    const value = this.#found(known);
    if ((known.annotations[FURTHER_ADDRESSES_ANNOTATION] ?? null) === value) return;
    const body = { metadata: { annotations: { [FURTHER_ADDRESSES_ANNOTATION]: value } } };
    try {
      await client.patch(NODES, { name: this.#node }, 'merge', body, { fieldManager: 'sluice-agent', signal });
    } catch (error) {
      log.warn('cannot publish the addresses of this node', { error: messageOf(error) });
    }
  }

  /** Null: none, as a merge patch says it. */
  #found({ addresses }: KnownNode): string | null {
    const { netlink, nodes, pools, prefixes } = this.#dependencies;
    const facts = readLinkFacts(netlink);
    const isOfPods = (name: string): boolean => prefixes().some((prefix) => name.startsWith(prefix));
    // A bridge of pods has an address of the node's podCIDR, and so has a tunnel.
    const ofPods = [...pools(), ...[...nodes().values()].flatMap(({ podCidrs }) => podCidrs)];
    const found = hostAddresses({ ...facts, links: facts.links.filter(({ name }) => !isOfPods(name)) }, ofPods);
    return (
      found
        .filter((ip) => !addresses.some((each) => equalIp(each, ip)))
        .map(formatIp)
        .join(',') || null
    );
  }
}
