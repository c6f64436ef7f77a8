import { randomInt } from 'node:crypto';
import { SluiceError, hasCode, messageOf } from '../../base/errors.ts';
import { cidrContains } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import type { Ruleset } from '../../core/nft/model.ts';
import { MACVLAN_MODES, placeOn, takenOn } from '../../core/routing/index.ts';
import type { Segment, SegmentPlace } from '../../core/routing/index.ts';
import type { Conntrack } from '../../host/conntrack/port.ts';
import type { EndpointRecord, MacvlanPlace } from './endpoint-record.ts';
import type { MacvlanOptions } from './macvlan-options.ts';
import { createMacvlan, deleteMacvlan, leadToNode } from './macvlan-link.ts';
import type { PodLinkDependencies } from './pod-link.ts';
import type { KnownNode } from './routing-objects.ts';
import { withPodConnections } from './pod-connections.ts';
import type { FlowTable } from './pod-connections.ts';
import { PodTables } from './pod-tables.ts';
import type { PodTablesDependencies } from './pod-tables.ts';

export interface MacvlanPodsDependencies extends PodLinkDependencies {
  /** The packet filter and the connections of a pod's namespace. */
  readonly openPodFilter: PodTablesDependencies['open'];
  readonly openPodConntrack: (netns: string) => Conntrack;
  /** The node's own. */
  readonly conntrack: FlowTable;
  /** The node's packet filter as it should be; undefined before there is one. */
  readonly filter: () => Ruleset | undefined;
  /** This node's name, and all nodes. */
  readonly node: string;
  readonly nodes: () => ReadonlyMap<string, Pick<KnownNode, 'endpoint' | 'addresses'>>;
  readonly log: Logger;
}

/** Pods on the node's own layer 2. Without options no new ones come, and those of before are looked after. */
export class MacvlanPods {
  readonly #options: MacvlanOptions | undefined;
  readonly #dependencies: MacvlanPodsDependencies;
  /** What the pods have of the node's packet filter. */
  readonly tables: PodTables;
  /** The node's tracked connections and those that the pods track themselves. */
  readonly connections: FlowTable;

  constructor(options: MacvlanOptions | undefined, dependencies: MacvlanPodsDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    const { openPodFilter, openPodConntrack, conntrack, log } = dependencies;
    this.tables = new PodTables({ open: openPodFilter, log });
    this.connections = withPodConnections(conntrack, () => this.tables.namespaces, openPodConntrack, log);
  }

  /** Why no pod can be attached now; undefined when some can. */
  get problem(): string | undefined {
    if (this.#options === undefined) return undefined;
    try {
      this.#segment(this.#options.master);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  /** What pods of this node are not to be given of their pools. */
  get reserved(): readonly Cidr[] {
    if (this.#options === undefined || this.problem !== undefined) return [];
    const nodes = [...this.#dependencies.nodes().values()];
    return takenOn(
      this.#segment(this.#options.master),
      nodes.flatMap(({ endpoint }) => endpoint.addresses),
    );
  }

  /**
   * How a new pod with these addresses is to be attached; undefined: not by macvlan. `config` is the network configuration
   * as it came, where `master` and `mode` go before the agent's. Throws what is wrong with either.
   */
  plan(addresses: readonly Ip[], config: Readonly<Record<string, unknown>>): MacvlanPlace | undefined {
    if (this.#options === undefined) return undefined;
    const { master = this.#options.master, mode = this.#options.mode, linkInContainer } = config;
    if (linkInContainer === true)
      throw new SluiceError('bad-network', 'linkInContainer is not supported: the master is a device of the node');
    if (master !== undefined && (typeof master !== 'string' || master === ''))
      throw new SluiceError('bad-network', 'master must be the name of a device of the node');
    const known = MACVLAN_MODES.find((each) => each === mode);
    if (known === undefined)
      throw new SluiceError('bad-network', `mode is '${String(mode)}', must be one of ${MACVLAN_MODES.join(', ')}`);
    const segment = this.#segment(master);
    const places = addresses.map((ip): SegmentPlace => {
      const place = placeOn(segment, ip);
      if (typeof place === 'string') throw new SluiceError('bad-network', place);
      return place;
    });
    // In mode passthru the pod has its master's hardware address, and the device to itself: nothing is guarded.
    const seal = known === 'passthru' ? 0 : randomInt(1, 2 ** 31);
    return { master: segment.master, mode: known, places, seal };
  }

  /** Puts the pod, which has its link to the node already, on the segment: under policy before its first packet. */
  connect(record: EndpointRecord): void {
    if (record.macvlan === undefined) return;
    const table = this.#dependencies.filter();
    if (table === undefined) throw new SluiceError('not-ready', 'the packet filter is not programmed yet');
    this.tables.program(record, table);
    const guard = (): void => this.tables.guard(record);
    createMacvlan(record, record.macvlan, this.#ownAddresses(), { ...this.#dependencies, guard });
  }

  /** Takes the pod off the segment, if it still has a network namespace. */
  disconnect(record: EndpointRecord): void {
    if (record.macvlan === undefined) return;
    this.#quietly(record, 'a pod cannot be taken off its segment', () => deleteMacvlan(record, this.#dependencies));
    this.tables.remove(record);
  }

  /** Takes over a pod that an earlier agent attached. */
  adopt(record: EndpointRecord): void {
    if (record.macvlan === undefined) return;
    this.tables.adopt(record);
    this.#quietly(record, 'a pod may not reach its node', () =>
      leadToNode(record, this.#ownAddresses(), this.#dependencies),
    );
  }

  /** What fails because the pod is going is no news. */
  #quietly({ namespace, pod }: EndpointRecord, what: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (hasCode(error, 'not-found')) return;
      this.#dependencies.log.warn(what, { pod: `${namespace}/${pod}`, error: messageOf(error) });
    }
  }

  /** What the node itself is reached at: a pod's frames never come back to the device that they were sent by. */
  #ownAddresses(): readonly Ip[] {
    const global = this.#dependencies.netlink.addresses().filter(({ scope }) => scope === 'global');
    return global.map(({ address }) => address.ip);
  }

  #segment(name: string | undefined): Segment {
    const { netlink, node, nodes } = this.#dependencies;
    const entries = netlink.addresses().filter(({ scope }) => scope === 'global');
    const own = nodes().get(node)?.addresses ?? [];
    const carrier = entries.find(({ address }) =>
      own.some((ip) => ip.family === address.ip.family && ip.value === address.ip.value),
    );
    const ref = name ?? carrier?.link;
    if (ref === undefined)
      throw new SluiceError(
        'no-master',
        'no device has an address of this node: set macvlan_master of ConfigMap sluice-config',
      );
    const link = netlink.link(ref);
    if (link === undefined) {
      const names = netlink.links().map((each) => each.name);
      const others = names.filter((each) => each !== 'lo' && !each.startsWith('slc'));
      throw new SluiceError(
        'no-master',
        `the node has no device ${name} to be the macvlan master (macvlan_master of ConfigMap sluice-config); it has ${others.join(', ')}`,
      );
    }
    const addresses = entries.filter((each) => each.link === link.index).map(({ address }) => address);
    const gateways = netlink
      .routes({ link: link.index })
      .filter(({ destination }) => destination.prefix === 0)
      .flatMap(({ via }) => via ?? [])
      .filter((via) => via.family === 6 || addresses.some((subnet) => cidrContains(subnet, via)));
    return { master: link.name, addresses, gateways };
  }
}
