import type { Lease } from 'kubernetes-types/coordination/v1.d.ts';

/** What a candidate does about the Lease now. */
export type ElectionStep =
  | { readonly do: 'create'; readonly lease: Lease }
  | { readonly do: 'update'; readonly lease: Lease }
  /** Somebody else leads: look again in this many milliseconds. */
  | { readonly do: 'wait'; readonly ms: number };

/** A Lease as a candidate saw it: when it saw it change last, by its own clock, which need not agree with the leader's. */
export interface Observed {
  readonly lease: Lease | undefined;
  readonly changedAt: number;
}

/** Who stands for election, and for how long one renewal counts. */
export interface Candidate {
  readonly identity: string;
  readonly namespace: string;
  readonly leaseName: string;
  readonly leaseSeconds: number;
}

/** Decides from what was observed. `now` is in milliseconds, on the clock of `changedAt`; `wallClock` is what the Lease says. */
export function electionStep(
  candidate: Candidate,
  { lease, changedAt }: Observed,
  now: number,
  wallClock: number,
): ElectionStep {
  const time = `${new Date(wallClock).toISOString().slice(0, -1)}000Z`;
  const held = { holderIdentity: candidate.identity, leaseDurationSeconds: candidate.leaseSeconds, renewTime: time };
  if (lease === undefined) {
    return {
      do: 'create',
      lease: {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: candidate.leaseName, namespace: candidate.namespace },
        spec: { ...held, acquireTime: time, leaseTransitions: 0 },
      },
    };
  }
  const holder = lease.spec?.holderIdentity ?? '';
  if (holder === candidate.identity) return { do: 'update', lease: { ...lease, spec: { ...lease.spec, ...held } } };
  const expires = changedAt + (lease.spec?.leaseDurationSeconds ?? candidate.leaseSeconds) * 1000;
  if (holder !== '' && now < expires) return { do: 'wait', ms: expires - now };
  const leaseTransitions = (lease.spec?.leaseTransitions ?? 0) + 1;
  return { do: 'update', lease: { ...lease, spec: { ...held, acquireTime: time, leaseTransitions } } };
}

/** The Lease given back, so that the next candidate need not wait. */
export function released(lease: Lease): Lease {
  return { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 } };
}
