import { formatIp, hostCidr } from '../../base/ip/index.ts';
import type { Cidr, Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { announcements, mayAnnounce } from '../../core/announce/index.ts';
import type { AnnouncedPool, Announcement, SegmentInterface } from '../../core/announce/index.ts';
import type { SegmentAnswers } from '../../host/announce/port.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { ClusterFeed } from './cluster-feed.ts';
import { LeaseCircle } from './lease-circle.ts';
import type { LivingMember } from './lease-circle.ts';

/** What announcing needs of the agent. */
export interface AnnouncedAddressesDependencies {
  readonly client: KubeClient;
  readonly netlink: Pick<Netlink, 'links' | 'addresses'>;
  /** Absent: nothing is announced. */
  readonly segments?: SegmentAnswers | undefined;
  readonly cluster: () => Pick<ClusterFeed, 'pools' | 'nodes' | 'services' | 'slices'>;
  /** Hears which addresses this node draws to itself. */
  readonly onAddresses: (cidrs: readonly Cidr[]) => void;
  readonly log: Logger;
}

/** How long changes are gathered before it is decided anew, milliseconds. */
const GATHER = 100;

/**
 * Answers on this node's segments for the addresses of Services that are this node's to announce, as long as pools ask for
 * that. Who answers for which follows from what all nodes watch; nothing is left in the kernel.
 */
export class AnnouncedAddresses {
  readonly #node: string;
  readonly #dependencies: AnnouncedAddressesDependencies;
  #circle: LeaseCircle | undefined;
  #leaving: Promise<void> = Promise.resolve();
  #due: NodeJS.Timeout | undefined;
  #started = false;
  /** What this node answers for, and who lived when that was decided. */
  #own: readonly Announcement[] = [];
  #members = '';
  readonly #problems = new Map<string, string>();

  constructor(node: string, dependencies: AnnouncedAddressesDependencies) {
    this.#node = node;
    this.#dependencies = dependencies;
  }

  /** From now on addresses are answered for: the packet filter is there. */
  start(): void {
    this.#started = true;
    this.changed();
  }

  /** A pool, a Node, a Service or its endpoints are others now. */
  changed(): void {
    if (this.#started) this.#due ??= setTimeout(() => this.#settle(), GATHER);
  }

  /** What this node answers for, and on which interfaces. */
  status(): readonly AnnouncedStatus[] {
    return this.#own.map(({ address, interfaces, services }) => ({ address: formatIp(address), interfaces, services }));
  }

  /** Answers for nothing any more. Established connections go on, and neighbours remember this node for a while. */
  async stop(): Promise<void> {
    this.#started = false;
    clearTimeout(this.#due);
    this.#dependencies.segments?.answer(new Map());
    await this.#circle?.stop(false);
    await this.#leaving;
  }

  #settle(): void {
    clearTimeout(this.#due);
    this.#due = undefined;
    const { segments, cluster, client, netlink, log } = this.#dependencies;
    if (segments === undefined || !this.#started) return;
    const pools = this.#pools();
    if (pools.length === 0) return this.#leave();
    this.#circle ??= new LeaseCircle(this.#node, {
      client,
      log,
      interfaces: () => segmentInterfaces(netlink),
      onLook: () => this.#look(),
    });
    const members = this.#eligible(this.#circle);
    this.#members = membersKey(members);
    const isMember = members.some(({ node }) => node === this.#node);
    const all = isMember
      ? announcements({ pools, services: cluster().services(), slices: cluster().slices(), members })
      : [];
    this.#answer(all.filter(({ node }) => node === this.#node));
  }

  #pools(): readonly AnnouncedPool[] {
    const found: AnnouncedPool[] = [];
    for (const [name, { announced }] of this.#dependencies.cluster().pools.items) {
      if (announced === undefined) continue;
      if ('pool' in announced) found.push(announced.pool);
      else this.#report(`pool ${name}`, announced.problem);
    }
    return found;
  }

  /** Each second, and when Leases change: whose time is over, and which addresses are to be told of again. */
  #look(): void {
    if (!this.#started || this.#circle === undefined) return;
    if (membersKey(this.#eligible(this.#circle)) === this.#members) this.#answer(this.#own);
    else this.#settle();
    this.#dependencies.segments?.repeat();
  }

  #eligible(circle: LeaseCircle): readonly LivingMember[] {
    const nodes = this.#dependencies.cluster().nodes.items;
    return circle.members().filter(({ node }) => {
      const labels = nodes.get(node)?.endpoint.labels;
      return labels !== undefined && mayAnnounce(labels);
    });
  }

  #answer(own: readonly Announcement[]): void {
    const { segments, onAddresses, log } = this.#dependencies;
    const before = JSON.stringify(this.status());
    this.#own = own;
    if (JSON.stringify(this.status()) !== before) {
      log.info('announcing addresses of Services', { addresses: own.map(({ address }) => formatIp(address)) });
      onAddresses(own.map(({ address }) => hostCidr(address)));
    }
    const wanted = new Map<string, Ip[]>();
    for (const { address, interfaces } of own)
      for (const name of interfaces) wanted.set(name, [...(wanted.get(name) ?? []), address]);
    for (const [name, problem] of segments?.answer(wanted) ?? []) this.#report(`interface ${name}`, problem);
  }

  /** Once, until it is another. */
  #report(where: string, problem: string): void {
    if (this.#problems.get(where) === problem) return;
    this.#problems.set(where, problem);
    this.#dependencies.log.warn('cannot announce addresses of Services', { where, problem });
  }

  #leave(): void {
    const circle = this.#circle;
    if (circle === undefined) return;
    this.#circle = undefined;
    this.#answer([]);
    this.#leaving = this.#leaving.then(() => circle.stop(true));
  }
}

/** One address that a node answers for, in its status. */
export interface AnnouncedStatus {
  readonly address: string;
  readonly interfaces: readonly string[];
  readonly services: readonly string[];
}

function membersKey(members: readonly LivingMember[]): string {
  return members
    .map(({ node, subnets }) => `${node} ${subnets}`)
    .toSorted()
    .join('\n');
}

/** The node's interfaces of Ethernet with an own subnet; those of pods and tunnels have none. */
function segmentInterfaces(netlink: Pick<Netlink, 'links' | 'addresses'>): readonly SegmentInterface[] {
  const addresses = netlink.addresses().filter(({ scope }) => scope === 'global');
  return netlink.links().flatMap(({ index, name, mac, up }) => {
    if (!up || mac === undefined || /^[0:]+$/.test(mac)) return [];
    const own = addresses.filter(({ link }) => link === index).map(({ address }) => address);
    const subnets = own.filter(({ ip, prefix }) => prefix < (ip.family === 4 ? 32 : 128));
    return subnets.length === 0 ? [] : [{ name, subnets }];
  });
}
