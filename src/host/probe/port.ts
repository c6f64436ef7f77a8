import type { Ip } from '../../base/ip/index.ts';
import type { NetnsRef } from '../netns/netns.ts';

/** One network place from which or at which real packets are tried: a pod, a node, the outside host. */
export interface ProbeEndpoint {
  readonly id: string;
  readonly netns: NetnsRef;
  /** Its addresses, at most one per family is used. */
  readonly addresses: readonly Ip[];
}

/**
 * One connection to attempt. For SCTP, of which a kernel need not know anything, a packet that would open an association
 * is sent, and seen to arrive or not.
 */
export interface ProbeAttempt {
  readonly from: ProbeEndpoint;
  readonly to: ProbeEndpoint;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  /** Destination address: one of `to`'s. */
  readonly address: Ip;
  /** Destination port at `to`; 0 for ICMP. */
  readonly port: number;
  /** Address and port that the packets are sent to when they differ, such as a Service's. */
  readonly via?: { readonly address: Ip; readonly port: number };
  /** Silence is what is expected: the first one counts, without further tries. */
  readonly expectSilence?: boolean;
}

/** What was seen. `refused` (a reset or port unreachable from the destination) proves passage as well as an answer does. */
export type ProbeEvidence = 'connected' | 'refused' | 'arrived' | 'replied' | 'silence' | 'unreachable' | 'failed';

/** Outcome of one attempt; `error` means that the attempt itself could not be made. */
export interface ProbeResult {
  readonly attempt: ProbeAttempt;
  readonly verdict: 'allowed' | 'denied' | 'error';
  readonly evidence: ProbeEvidence;
  /** Milliseconds to the evidence of passage. */
  readonly elapsedMs?: number;
  readonly message?: string;
}

/** How patiently attempts are made. */
export interface ProbeOptions {
  /** How long silence lasts before it counts as denied; default 300 ms. */
  readonly timeoutMs?: number;
  /** Further tries for attempts that met silence; default 1. */
  readonly retries?: number;
  /** Attempts in flight at once; default 1000. */
  readonly parallel?: number;
  readonly signal?: AbortSignal;
}

/** Makes every attempt with real packets and returns one result per attempt, in the same order. */
export type Probe = (attempts: readonly ProbeAttempt[], options?: ProbeOptions) => Promise<readonly ProbeResult[]>;
