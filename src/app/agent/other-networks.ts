import { rmSync } from 'node:fs';
import { hasCode, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { isOldBridge, isOldTunnel } from '../../core/migrate/index.ts';
import { ROUTE_PROTOCOL } from '../../core/routing/index.ts';
import type { Bird } from '../../host/bird/port.ts';
import { BIRD_PROTOCOL } from '../../host/netlink/port.ts';
import type { Link, Netlink, NetworkChange } from '../../host/netlink/port.ts';
import type { Nftables } from '../../host/nftables/port.ts';
import type { AgentDependencies } from './dependencies.ts';
import { removeFastPath } from './fast-path.ts';
import { INTERFACE_PREFIX } from './endpoint-record.ts';
import { removeBalancer } from './open-balancer.ts';

/** Networks that a node can have had before Sluice, in the words of ConfigMap `sluice-config`, key `network_before`. */
export type NetworkBefore = 'calico' | 'canal' | 'flannel';

/** Labels a node with the network that it is to have; another value than `sluice` tells the agent to clear the way. */
const NETWORK_LABEL = 'sluice.dev/network';

interface World {
  readonly netlink: Netlink;
  readonly log: Logger;
}

interface HandOverWorld extends World, Pick<AgentDependencies, 'openBpf' | 'openIpvs' | 'sysctl'> {
  readonly nftables: Pick<Nftables, 'apply'>;
  readonly openBird: () => Pick<Bird, 'hasRun' | 'forget'>;
}

/** Removes what would be in the way of this node's tunnels and addresses; routes through those devices go with them. */
export function takeOverFrom(before: NetworkBefore | undefined, { netlink, log }: World): void {
  if (before === undefined) return;
  const links = netlink.links();
  const inTheWay = links.filter((link) => isOldTunnel(before, link.name) || isEmptyBridge(before, link, links));
  for (const { name } of inTheWay) {
    remove([{ kind: 'delete-link', link: name }], { netlink, log });
    log.info('a device of the network before is removed', { link: name, before });
  }
}

/** A bridge of the network before that no pod is on. Its plugin makes another when it needs one. */
function isEmptyBridge(before: NetworkBefore, { name, index }: Link, links: readonly Link[]): boolean {
  return isOldBridge(before, name) && !links.some(({ master }) => master === index);
}

/** Whether the node's labels say that another network takes it over. */
export function isHandedOver(labels: Readonly<Record<string, string>> | undefined): boolean {
  const network = labels?.[NETWORK_LABEL];
  return network !== undefined && network !== 'sluice';
}

/**
 * Takes everything of Sluice's out of the kernel, so that the next network finds the node as if Sluice had never been
 * there. Pods that are still wired lose their network: they are to be gone before.
 */
export function handOver(before: NetworkBefore | undefined, world: HandOverWorld): void {
  const { netlink, nftables, openBird, log } = world;
  const all = netlink.links();
  // Our routes have taken the place of the bridge's own, which come back with a new one only.
  const links = all.filter(
    (link) =>
      link.name.endsWith('.sluice') ||
      link.name.startsWith(INTERFACE_PREFIX) ||
      (before !== undefined && isEmptyBridge(before, link, all)),
  );
  const bird = openBird();
  const protocols = [ROUTE_PROTOCOL, ...(bird.hasRun() ? [BIRD_PROTOCOL] : [])];
  const routes = protocols.flatMap((protocol) => netlink.routes({ protocol }));
  const rules = netlink.rules({ protocol: ROUTE_PROTOCOL });
  remove(
    [
      ...rules.map((rule): NetworkChange => ({ kind: 'delete-rule', rule })),
      ...routes.map((route): NetworkChange => ({ kind: 'delete-route', route })),
      ...links.map(({ name }): NetworkChange => ({ kind: 'delete-link', link: name })),
    ],
    { netlink, log },
  );
  bird.forget();
  dropFastPath(world);
  dropTable(nftables, log);
  dropServers(world);
  log.info('the node is handed over to another network', { links: links.length, routes: routes.length });
}

/**
 * Leaves a node on which Sluice had policy alone to its network: first the CNI chain, so that the runtime takes the network's
 * own again, then the tables. Links and routes of pods are theirs.
 */
export function handOverPolicies(
  conflist: string | undefined,
  { nftables, bridgeFilter, log }: Pick<AgentDependencies, 'nftables' | 'bridgeFilter' | 'log'>,
): void {
  if (conflist !== undefined) rmSync(conflist, { force: true });
  for (const tables of [nftables, bridgeFilter]) dropTable(tables, log);
  log.info('policy is handed over to another program', { conflist });
}

/** What an agent that had the whole network in hand has left: an agent for policy alone would have it forget nothing. */
export function dropFastPath({ openBpf, netlink, log }: Pick<AgentDependencies, 'openBpf' | 'netlink' | 'log'>): void {
  try {
    if (openBpf !== undefined) removeFastPath(openBpf, netlink.links());
  } catch (error) {
    // Nothing is learnt any more, so what is known is so for half a minute.
    log.warn('the fast path could not be removed', { error: messageOf(error) });
  }
}

function dropTable(nftables: Pick<Nftables, 'apply'> | undefined, log: Logger): void {
  try {
    nftables?.apply([{ op: 'destroy-table' }]);
  } catch (error) {
    log.error('the packet filter could not be removed', { error: messageOf(error) });
  }
}

/** What the node itself sends to a Service passes IPVS however it is routed: left there, it would lead to pods of today for ever. */
function dropServers(world: HandOverWorld): void {
  try {
    removeBalancer(world);
  } catch (error) {
    world.log.error('the IPVS servers of Services could not be removed', { error: messageOf(error) });
  }
}

/** What is gone already needs no removing. */
function remove(changes: readonly NetworkChange[], { netlink, log }: World): void {
  for (const [i, error] of netlink.attempt(changes).entries())
    if (error !== undefined && !hasCode(error, 'not-found'))
      log.warn('the kernel refused to remove something', { change: changes[i]!.kind, error: messageOf(error) });
}
