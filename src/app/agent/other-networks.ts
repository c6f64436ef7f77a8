import { rmSync } from 'node:fs';
import { hasCode, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { ROUTE_PROTOCOL } from '../../core/routing/index.ts';
import type { Bird } from '../../host/bird/port.ts';
import { BIRD_PROTOCOL } from '../../host/netlink/port.ts';
import type { Netlink, NetworkChange } from '../../host/netlink/port.ts';
import type { Nftables } from '../../host/nftables/port.ts';
import type { AgentDependencies } from './dependencies.ts';
import { INTERFACE_PREFIX } from './endpoint-record.ts';

/** Networks that a node can have had before Sluice, in the words of ConfigMap `sluice-config`, key `network_before`. */
export type NetworkBefore = 'calico' | 'canal' | 'flannel';

/**
 * Devices that such a network leaves behind when its agent goes. The kernel has only one device of a VNI and port, so ours
 * cannot be made beside them; nobody sends through them any more. `tunl0` is the kernel's own and stays.
 */
const LEFT_BEHIND: Readonly<Record<NetworkBefore, RegExp>> = {
  calico: /^(vxlan|vxlan-v6)\.calico$|^wireguard\.cali$|^wg-v6\.cali$/,
  canal: /^flannel(-v6)?\.\d+$|^flannel-wg(-v6)?$/,
  flannel: /^flannel(-v6)?\.\d+$|^flannel-wg(-v6)?$/,
};

/** Labels a node with the network that it is to have; another value than `sluice` tells the agent to clear the way. */
const NETWORK_LABEL = 'sluice.dev/network';

interface World {
  readonly netlink: Netlink;
  readonly log: Logger;
}

interface HandOverWorld extends World {
  readonly nftables: Pick<Nftables, 'apply'>;
  readonly openBird: () => Pick<Bird, 'hasRun' | 'forget'>;
}

/** Removes what would be in the way of this node's tunnels; routes through those devices go with them. */
export function takeOverFrom(before: NetworkBefore | undefined, { netlink, log }: World): void {
  if (before === undefined) return;
  for (const { name } of netlink.links().filter((link) => LEFT_BEHIND[before].test(link.name))) {
    remove([{ kind: 'delete-link', link: name }], { netlink, log });
    log.info('a tunnel of the network before is removed', { link: name, before });
  }
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
export function handOver({ netlink, nftables, openBird, log }: HandOverWorld): void {
  const links = netlink.links().filter(({ name }) => name.endsWith('.sluice') || name.startsWith(INTERFACE_PREFIX));
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
  dropTable(nftables, log);
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

function dropTable(nftables: Pick<Nftables, 'apply'> | undefined, log: Logger): void {
  try {
    nftables?.apply([{ op: 'destroy-table' }]);
  } catch (error) {
    log.error('the packet filter could not be removed', { error: messageOf(error) });
  }
}

/** What is gone already needs no removing. */
function remove(changes: readonly NetworkChange[], { netlink, log }: World): void {
  for (const [i, error] of netlink.attempt(changes).entries())
    if (error !== undefined && !hasCode(error, 'not-found'))
      log.warn('the kernel refused to remove something', { change: changes[i]!.kind, error: messageOf(error) });
}
