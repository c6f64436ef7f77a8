import type { Service } from 'kubernetes-types/core/v1.d.ts';
import { formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { createAllocator, LOAD_BALANCERS } from '../../core/ipam/index.ts';
import type { Allocator, BlockStore, PoolUse } from '../../core/ipam/index.ts';
import { addressDemand, satisfies } from '../../core/service/index.ts';
import type { AddressDemand } from '../../core/service/index.ts';
import { isNotFound } from '../../host/kube-client/errors.ts';
import { informer } from '../../host/kube-client/informer.ts';
import type { Delta } from '../../host/kube-client/informer.ts';
import { pause } from '../../host/kube-client/pause.ts';
import { EVENTS, IP_POOLS, SERVICES } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../host/kube-client/types.ts';
import { warningEvent } from '../../host/kube-client/warning-event.ts';

/** What giving addresses to Services needs. */
export interface AddressDependencies {
  readonly client: KubeClient;
  readonly store: BlockStore;
  readonly log: Logger;
  /** Wall clock in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Changes within this time become one round, milliseconds. */
const SETTLE_MS = 200;
/** How long until what failed is tried again, milliseconds: addresses come free, and pools are no events of Services. */
const RETRY_MS = 10_000;
/** What pools allow that are for Services; blocks of no other pool are touched. */
const USE: PoolUse = 'LoadBalancer';

/** A Service as far as addresses go. */
interface KnownService {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly demand: AddressDemand | undefined;
  /** The addresses in its status. */
  readonly shown: readonly string[];
}

/**
 * Gives Services of type LoadBalancer addresses of the pools that are for them, shows them in the Services' status, and takes
 * them back. In a cluster without such a pool it leaves all Services alone.
 */
export async function giveAddresses(dependencies: AddressDependencies, signal: AbortSignal): Promise<void> {
  const { client, store, log, now } = dependencies;
  let changed = Promise.withResolvers<void>();
  const wake = (): void => changed.resolve();
  const onError = (error: unknown): void => log.warn('cannot watch, trying again', { error: messageOf(error) });
  // A round reads all blocks: most Services, and all that changes of them, are none of its business.
  const onService = (delta: Delta<KnownService>): void => {
    const now = delta.kind === 'set' ? delta.object : undefined;
    if (delta.previous?.demand !== undefined || now?.demand !== undefined) wake();
  };
  const services = informer<Service, KnownService>(
    client,
    SERVICES,
    { project: known, onDelta: onService, onError },
    signal,
  );
  const pools = informer<KubeObject & { readonly spec?: { readonly allowedUses?: readonly string[] } }, boolean>(
    client,
    IP_POOLS,
    { project: ({ spec }) => spec?.allowedUses?.includes(USE) === true, onDelta: wake, onError },
    signal,
  );
  const options = { node: LOAD_BALANCERS, use: USE, nodeLabels: () => ({}), coolDownMs: 0, lowWater: 0 };
  const allocator = createAllocator(options, {
    store,
    now,
    report: (message, error) => log.warn(message, { error: messageOf(error) }),
  });
  signal.addEventListener('abort', wake, { once: true });
  await Promise.race([Promise.all([services.synced, pools.synced]), services.done]);
  while (!signal.aborted) {
    changed = Promise.withResolvers();
    const served = [...pools.items.values()].includes(true);
    const settled = await round([...services.items.values()], served, allocator, dependencies);
    await Promise.race([changed.promise, ...(settled ? [] : [pause(RETRY_MS, signal)])]);
    await pause(SETTLE_MS, signal);
  }
  await Promise.all([services.done, pools.done]);
}

/** One look at all Services; whether there was nothing left to try again. */
async function round(
  services: readonly KnownService[],
  served: boolean,
  allocator: Allocator,
  dependencies: AddressDependencies,
): Promise<boolean> {
  const { log } = dependencies;
  try {
    allocator.invalidate();
    await allocator.load();
    const wanting = new Set(services.flatMap((each) => (each.demand === undefined ? [] : [handleOf(each)])));
    const held = new Map([...allocator.assignments()].filter(([handle]) => handle.startsWith(PREFIX)));
    const gone = [...held.keys()].filter((handle) => !wanting.has(handle));
    // First what shows an address loses it, then somebody else may get it.
    for (const service of services) {
      const had = held.get(handleOf(service))?.addresses.map(({ ip }) => formatIp(ip)) ?? [];
      if (service.demand === undefined && had.some((each) => service.shown.includes(each)))
        await show(service, [], dependencies);
    }
    if (gone.length > 0) await allocator.release(gone);
    let settled = true;
    for (const service of services)
      if (served && service.demand !== undefined)
        settled = (await serve(service, service.demand, allocator, dependencies)) && settled;
    return settled;
  } catch (error) {
    log.warn('cannot give addresses to Services, trying again', { error: messageOf(error) });
    return false;
  }
}

/** Whether the Service has what it asks for. */
async function serve(
  service: KnownService,
  demand: AddressDemand,
  allocator: Allocator,
  dependencies: AddressDependencies,
): Promise<boolean> {
  try {
    if (demand.kind === 'problem') throw new Error(demand.message);
    const handle = handleOf(service);
    const held = allocator.lookup(handle)?.addresses;
    if (held !== undefined && !satisfies(demand, held)) await allocator.release([handle]);
    const { families, pools, addresses } = demand;
    const { namespace, name } = service;
    const assignment = await allocator.allocate({
      handle,
      families,
      use: USE,
      attributes: { type: 'loadBalancer', namespace, service: name },
      ...(pools === undefined ? {} : { pools }),
      ...(addresses === undefined ? {} : { addresses }),
    });
    await show(
      service,
      assignment.addresses.map(({ ip }) => ip),
      dependencies,
    );
    return true;
  } catch (error) {
    await complain(service, messageOf(error), dependencies);
    return false;
  }
}

async function show(service: KnownService, ips: readonly Ip[], { client }: AddressDependencies): Promise<void> {
  const wanted = ips.map(formatIp);
  if (wanted.join() === service.shown.join()) return;
  const { namespace, name } = service;
  const ingress = wanted.map((ip) => ({ ip, ipMode: 'VIP' }));
  const status = { loadBalancer: ingress.length === 0 ? { ingress: null } : { ingress } };
  try {
    await client.patch(SERVICES, { namespace, name }, 'merge', { status }, { subresource: 'status' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** In the log, and as an event of the Service, one for each thing to say. */
async function complain(service: KnownService, message: string, dependencies: AddressDependencies): Promise<void> {
  const { client, log, now } = dependencies;
  const { namespace, name, uid } = service;
  log.warn('a Service gets no address', { service: `${namespace}/${name}`, error: message });
  const event = warningEvent({
    about: { apiVersion: 'v1', kind: 'Service', namespace, name, uid },
    reason: 'NoAddress',
    message,
    identity: `${uid} ${message}`,
    source: { component: 'sluice-controllers' },
    now: now(),
  });
  // One that is there already says the same.
  await client.create(EVENTS, event).catch(() => undefined);
}

const PREFIX = 'lb-';

function handleOf({ uid }: KnownService): string {
  return `${PREFIX}${uid}`.toLowerCase();
}

function known(service: Service): KnownService {
  const { name = '', namespace = 'default', uid = `${namespace}-${name}` } = service.metadata ?? {};
  const shown = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  return { namespace, name, uid, demand: addressDemand(service), shown };
}
