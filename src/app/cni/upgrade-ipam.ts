import type { Node, Pod } from 'kubernetes-types/core/v1.d.ts';
import { messageOf, SluiceError } from '../../base/errors.ts';
import { cidrContains, cidrCovers, formatCidr, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import {
  BOOT_ATTRIBUTE,
  blockAround,
  createAllocator,
  defaultPools,
  planHostAddresses,
  planImport,
} from '../../core/ipam/index.ts';
import type { BlockStore, ImportPlan, IpPool, RunningPod } from '../../core/ipam/index.ts';
import { readHostLocalLeases, retireHostLocalNetwork } from '../../host/files/host-local.ts';
import { createMissingPools } from '../../host/ipam-store/create-missing-pools.ts';
import { listAll } from '../../host/kube-client/list-all.ts';
import { NODES, PODS } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { networkName } from './network-config.ts';

/** What `sluice upgrade-ipam` is told. */
export interface UpgradeIpamOptions {
  readonly nodeName: string;
  /** host-local's state, usually /var/lib/cni/networks. */
  readonly directory: string;
  /** Name of the network that takes over: the `name` of our conflist. */
  readonly network: string;
  /** The pools that a cluster gets which has none of their family: this runs before any agent could make them. */
  readonly defaultPools?: readonly IpPool[];
  /** Leave host-local's files where they are: it still serves, and without them would give addresses out again. */
  readonly keep?: boolean;
  /** Which start of the node this is; the pods that run now are gone after the next one. */
  readonly bootId?: string;
  /** Of the node's own interfaces. */
  readonly hostAddresses?: readonly Ip[];
}

/** What the upgrade works with. */
export interface UpgradeIpamDependencies {
  readonly client: KubeClient;
  readonly store: BlockStore;
  readonly log: Logger;
  readonly now: () => number;
}

/** What the upgrade did. */
export interface UpgradeIpamReport {
  readonly imported: number;
  readonly stale: number;
}

/** Reads the options from the environment; throws a SluiceError (`bad-options`, or `bad-cni-config` of the template). */
export function upgradeIpamOptions(env: Readonly<Record<string, string | undefined>>): UpgradeIpamOptions {
  const nodeName = env['KUBERNETES_NODE_NAME'] ?? env['NODE_NAME'] ?? '';
  if (nodeName === '')
    throw new SluiceError('bad-options', 'upgrade-ipam: NODE_NAME is not set (use fieldRef spec.nodeName)');
  const problems: string[] = [];
  const pools = defaultPools(env, problems);
  if (problems.length > 0) throw new SluiceError('bad-options', `upgrade-ipam: ${problems.join('; ')}`);
  return {
    nodeName,
    defaultPools: pools,
    directory: env['HOST_LOCAL_DIR'] ?? '/var/lib/cni/networks',
    network: networkName(env['CNI_NETWORK_CONFIG']),
  };
}

/** Whether there is anything to take over. */
export async function hasLeases({ directory }: UpgradeIpamOptions): Promise<boolean> {
  return (await readHostLocalLeases(directory)).length > 0;
}

/**
 * Takes over the addresses that host-local gave to pods which still run on this node, so that none of them is given out
 * again. All or nothing per run as far as the leases on disk go: they are retired only when every running pod's address
 * is ours, and a repeated run imports what is missing. Throws a SluiceError (`cannot-import`) that lists what is in the way.
 */
export async function upgradeIpam(
  options: UpgradeIpamOptions,
  dependencies: UpgradeIpamDependencies,
): Promise<UpgradeIpamReport> {
  const { log, store } = dependencies;
  const leases = await readHostLocalLeases(options.directory);
  const pods = await runningPods(options.nodeName, dependencies.client);
  const families = new Set((await store.listPools()).map(({ cidr }) => cidr.ip.family));
  await createMissingPools(options.defaultPools ?? [], families, dependencies.client);
  const pools = await store.listPools();
  const plan = planImport(options.network, leases, pods, pools, dependencies.now());
  if (plan.outside.length > 0)
    throw cannotImport(
      plan.outside.map(({ pod, ip }) => `${formatIp(ip)} of ${pod.namespace}/${pod.name} lies in no IPPool`),
      'create an IPPool that covers the old cluster network',
    );
  await refuseSharedBlocks(plan, pools, options.nodeName, dependencies);
  const { bootId = '', hostAddresses = [] } = options;
  const requests = [...plan.requests, ...planHostAddresses(options.nodeName, hostAddresses, pools)];
  const wired = { [BOOT_ATTRIBUTE]: bootId };
  const marked = requests.map((request) => ({ ...request, attributes: { ...request.attributes, ...wired } }));
  await importAll(marked, options, dependencies);
  if (options.keep !== true)
    for (const network of plan.networks) await retireHostLocalNetwork(options.directory, network);
  const report = { imported: plan.requests.length, stale: plan.stale.length };
  log.info('host-local leases taken over', report);
  return report;
}

async function importAll(
  requests: Parameters<ReturnType<typeof createAllocator>['allocateMany']>[0],
  { nodeName }: UpgradeIpamOptions,
  { store, now, log }: UpgradeIpamDependencies,
): Promise<void> {
  const everything = (await store.listPools()).map(({ cidr }) => cidr);
  const allocator = createAllocator(
    // Only blocks around the addresses that are there: whose the others are, the agent knows.
    { node: nodeName, nodeLabels: () => ({}), reserved: () => everything, coolDownMs: 0, lowWater: 0 },
    { store, now, report: (message, error) => log.warn(message, { error: messageOf(error) }) },
  );
  await allocator.load();
  const outcomes = await allocator.allocateMany(requests);
  const failures = outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? [messageOf(outcome.error)] : []));
  if (failures.length > 0) throw cannotImport(failures, 'drain the node, or delete the pods in question');
}

/** A block around this node's addresses must hold none of a node that still gives out addresses by itself. */
async function refuseSharedBlocks(
  { requests }: ImportPlan,
  pools: readonly IpPool[],
  nodeName: string,
  { client, store }: UpgradeIpamDependencies,
): Promise<void> {
  const owners = new Set([nodeName, ...(await store.listBlocks()).map(({ value }) => value.node)]);
  const { items: nodes } = await listAll<Node>(client, NODES);
  const others = nodes.filter(({ metadata }) => !owners.has(metadata?.name ?? ''));
  for (const ip of requests.flatMap(({ addresses = [] }) => addresses)) {
    const pool = pools.find(({ cidr }) => cidrContains(cidr, ip))!;
    const block = blockAround(pool, ip.value);
    const shared = others.find(({ spec }) =>
      (spec?.podCIDRs ?? []).some((text) => {
        const range = parseCidr(text);
        return range !== undefined && range.prefix > block.prefix && cidrCovers(block, range);
      }),
    );
    if (shared === undefined) continue;
    const { metadata, spec } = shared;
    const title = `node ${metadata?.name} (${spec?.podCIDRs?.join(', ')})`;
    throw cannotImport(
      [`the block ${formatCidr(block)} around ${formatIp(ip)} has addresses of ${title}`],
      `give IPPool ${pool.name} a blockSize whose blocks are no larger than the ranges of nodes`,
    );
  }
}

async function runningPods(nodeName: string, client: KubeClient): Promise<readonly RunningPod[]> {
  const { items } = await listAll<Pod>(client, PODS, { fieldSelector: `spec.nodeName=${nodeName}` });
  return items
    .filter(({ spec, status }) => !spec?.hostNetwork && status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
    .map(({ metadata, status }) => ({
      namespace: metadata?.namespace ?? '',
      name: metadata?.name ?? '',
      uid: metadata?.uid ?? '',
      ips: [...new Set([status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)])]
        .map((ip) => parseIp(ip ?? ''))
        .filter((ip) => ip !== undefined),
    }));
}

function cannotImport(problems: readonly string[], advice: string): SluiceError<'cannot-import'> {
  return new SluiceError(
    'cannot-import',
    `addresses of running pods cannot be taken over: ${problems.join('; ')}. To go on: ${advice}.`,
    { problems },
  );
}
