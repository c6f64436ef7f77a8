import type { Lease } from 'kubernetes-types/coordination/v1.d.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../host/kube-client/errors.ts';
import { pause } from '../../host/kube-client/pause.ts';
import { LEASES } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { electionStep, released, type Candidate, type Observed } from './election.ts';

/** What leading takes. */
export interface LeadDependencies {
  readonly client: KubeClient;
  readonly log: Logger;
  /** Wall clock in milliseconds since the epoch. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Renewals within the life of one Lease: two may fail before leadership is lost. */
const RENEWALS_PER_LEASE = 3;

/**
 * Stands for election until the signal aborts, and runs `work` while leading. Its signal aborts as soon as leadership is
 * no longer certain; the Lease is given back at the end.
 */
export async function leadWhile(
  candidate: Candidate,
  work: (signal: AbortSignal) => Promise<void>,
  dependencies: LeadDependencies,
): Promise<void> {
  const { signal, log } = dependencies;
  while (!signal.aborted) {
    const lease = await acquire(candidate, dependencies);
    if (lease === undefined) return;
    log.info('leading', { identity: candidate.identity });
    const term = new AbortController();
    const working = work(AbortSignal.any([signal, term.signal])).finally(() => term.abort());
    const last = await renew(lease, candidate, AbortSignal.any([signal, term.signal]), dependencies);
    term.abort();
    await working;
    if (signal.aborted && last !== undefined) await giveBack(last, dependencies);
    else log.warn('no longer leading');
  }
}

async function acquire(candidate: Candidate, dependencies: LeadDependencies): Promise<Lease | undefined> {
  const { signal, log } = dependencies;
  let observed: Observed = { lease: undefined, changedAt: 0 };
  while (!signal.aborted) {
    try {
      observed = await observe(candidate, observed, dependencies.client);
      const step = electionStep(candidate, observed, performance.now(), dependencies.now());
      if (step.do !== 'wait') return await write(step, dependencies.client);
      await pause(Math.min(step.ms, (candidate.leaseSeconds * 1000) / RENEWALS_PER_LEASE), signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isConflict(error) && !isAlreadyExists(error))
        log.warn('cannot stand for election', { error: messageOf(error) });
      await pause(1000, signal);
    }
  }
  return undefined;
}

/** Renews until the signal aborts (the last Lease is returned) or leadership is lost (undefined). */
async function renew(
  acquired: Lease,
  candidate: Candidate,
  signal: AbortSignal,
  { client, log, now }: LeadDependencies,
): Promise<Lease | undefined> {
  let lease = acquired;
  let renewedAt = performance.now();
  const lifeMs = candidate.leaseSeconds * 1000;
  for (;;) {
    await pause(lifeMs / RENEWALS_PER_LEASE, signal);
    if (signal.aborted) return lease;
    try {
      const step = electionStep(candidate, { lease, changedAt: renewedAt }, performance.now(), now());
      if (step.do === 'wait') return undefined;
      lease = await write(step, client);
      renewedAt = performance.now();
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return undefined;
      log.warn('cannot renew the lease', { error: messageOf(error) });
      if (performance.now() - renewedAt > lifeMs) return undefined;
    }
  }
}

async function observe({ leaseName, namespace }: Candidate, before: Observed, client: KubeClient): Promise<Observed> {
  try {
    const lease = await client.get<Lease>(LEASES, { name: leaseName, namespace });
    const same = lease.metadata?.resourceVersion === before.lease?.metadata?.resourceVersion;
    return same ? before : { lease, changedAt: performance.now() };
  } catch (error) {
    if (isNotFound(error)) return { lease: undefined, changedAt: 0 };
    throw error;
  }
}

function write(step: { readonly do: 'create' | 'update'; readonly lease: Lease }, client: KubeClient): Promise<Lease> {
  return step.do === 'create' ? client.create(LEASES, step.lease) : client.update(LEASES, step.lease);
}

async function giveBack(lease: Lease, { client, log }: LeadDependencies): Promise<void> {
  try {
    await client.update(LEASES, released(lease));
  } catch (error) {
    log.debug('cannot give the lease back', { error: messageOf(error) });
  }
}
