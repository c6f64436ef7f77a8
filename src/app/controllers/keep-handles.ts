import { parseCidr } from '../../base/ip/index.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { decodeHandle, encodeHandle, planHandles } from '../../core/ipam/index.ts';
import type { BlockHolders, IpamBlockSpec, IpamHandle, IpamHandleSpec, IpamResource } from '../../core/ipam/index.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../host/kube-client/errors.ts';
import { informer } from '../../host/kube-client/informer.ts';
import { pause } from '../../host/kube-client/pause.ts';
import { IPAM_BLOCKS, IPAM_HANDLES } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../host/kube-client/types.ts';
import { Unsettled } from './unsettled.ts';

/** What keeping handles needs. */
export interface HandlesDependencies {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly now: () => number;
}

/** How patiently handles are kept, milliseconds. */
export interface HandlesTiming {
  /** Changes within this time become one round. */
  readonly settleMs: number;
  /**
   * How long a handle must disagree with the blocks before it is touched: Calico writes the handle first and the block
   * after it.
   */
  readonly patienceMs: number;
}

const TIMING: HandlesTiming = { settleMs: 1000, patienceMs: 60_000 };
/** Writes under way at one time. */
const WIDTH = 16;

/** On the handles that are made here. No block follows them, so one that holds nothing can go at once. */
const OWN_LABEL = { 'app.kubernetes.io/managed-by': 'sluice' };

/** A handle as it is stored. */
interface Written extends IpamHandle {
  readonly revision: string;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Keeps the IPAMHandles in step with the blocks until the signal aborts, for Calico's tools: nothing of Sluice reads them,
 * so that pods need not wait for them, and whatever a crash leaves undone the next round does.
 */
export async function keepHandles(
  dependencies: HandlesDependencies,
  signal: AbortSignal,
  timing: HandlesTiming = TIMING,
): Promise<void> {
  const { client, log, now } = dependencies;
  let changed = Promise.withResolvers<void>();
  const onDelta = (): void => changed.resolve();
  const onError = (error: unknown): void => log.warn('cannot watch, trying again', { error: messageOf(error) });
  const blocks = informer<KubeObject & { readonly spec?: IpamBlockSpec }, BlockHolders | undefined>(
    client,
    IPAM_BLOCKS,
    { project: holders, onDelta, onError },
    signal,
  );
  const handles = informer<IpamResource<IpamHandleSpec>, Written>(
    client,
    IPAM_HANDLES,
    { project: written, onDelta, onError },
    signal,
  );
  const unsettled = new Unsettled(timing.patienceMs);
  signal.addEventListener('abort', onDelta, { once: true });
  await Promise.race([Promise.all([blocks.synced, handles.synced]), blocks.done]);
  while (!signal.aborted) {
    changed = Promise.withResolvers();
    const known = [...blocks.items.values()].filter((block) => block !== undefined);
    await round(known, handles.items, unsettled, dependencies);
    const due = unsettled.nextDue(now());
    await Promise.race([changed.promise, ...(due === undefined ? [] : [pause(due, signal)])]);
    await pause(timing.settleMs, signal);
  }
  await Promise.all([blocks.done, handles.done]);
}

async function round(
  blocks: readonly BlockHolders[],
  present: ReadonlyMap<string, Written>,
  unsettled: Unsettled,
  { client, log, now }: HandlesDependencies,
): Promise<void> {
  const { create, correct, remove } = planHandles(blocks, present.values());
  const wrong = [...correct.map(({ handle }) => handle), ...remove];
  const ripe = unsettled.observe(
    wrong.map((handle) => ({ key: handle, state: present.get(handle)!.revision })),
    now(),
  );
  const writes = [
    ...create.map((handle) => () => client.create(IPAM_HANDLES, labelled(encodeHandle(handle), OWN_LABEL))),
    ...correct
      .filter(({ handle }) => ripe.has(handle))
      .map((handle) => () => client.update(IPAM_HANDLES, withRevision(handle, present.get(handle.handle)!))),
    ...remove
      .filter((handle) => ripe.has(handle) || isOwn(present.get(handle)!))
      .map((name) => () => {
        const preconditions = { resourceVersion: present.get(name)!.revision };
        return client.delete(IPAM_HANDLES, { name }, { preconditions });
      }),
  ];
  const failures = await attemptAll(writes);
  if (failures.length > 0)
    log.warn('cannot write all IPAMHandles, trying again', { failed: failures.length, error: messageOf(failures[0]) });
}

/** Runs all, some at a time; what somebody else was faster with is no failure. */
async function attemptAll(writes: readonly (() => Promise<unknown>)[]): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  const queue = writes.values();
  const lane = async (): Promise<void> => {
    for (const write of queue)
      await write().catch((error: unknown) => {
        if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) failures.push(error);
      });
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
  return failures;
}

function labelled(
  object: IpamResource<IpamHandleSpec>,
  labels: Readonly<Record<string, string>>,
): IpamResource<IpamHandleSpec> {
  return { ...object, metadata: { ...object.metadata, labels } };
}

function isOwn({ labels }: Written): boolean {
  return Object.entries(OWN_LABEL).every(([key, value]) => labels[key] === value);
}

function withRevision(handle: IpamHandle, { revision, labels }: Written): IpamResource<IpamHandleSpec> {
  const object = labelled(encodeHandle(handle), labels);
  return { ...object, metadata: { ...object.metadata, resourceVersion: revision } };
}

function holders({ spec }: { readonly spec?: IpamBlockSpec }): BlockHolders | undefined {
  const cidr = parseCidr(spec?.cidr ?? '');
  if (spec === undefined || cidr === undefined) return undefined;
  const handles = spec.allocations.flatMap((index) =>
    index === null ? [] : [spec.attributes[index]?.handle_id ?? ''],
  );
  return { cidr, handles };
}

function written(object: IpamResource<IpamHandleSpec>): Written {
  const { resourceVersion: revision = '', labels = {} } = object.metadata;
  return { ...decodeHandle(object), revision, labels };
}
