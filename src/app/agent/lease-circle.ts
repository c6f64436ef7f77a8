import type { Lease } from 'kubernetes-types/coordination/v1.d.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import {
  LEASE_NAMESPACE,
  LEASE_SECONDS,
  SUBNETS_ANNOTATION,
  formatInterfaces,
  parseInterfaces,
} from '../../core/announce/index.ts';
import type { Member, SegmentInterface } from '../../core/announce/index.ts';
import type { Node } from '../../core/kube/types.ts';
import { isConflict, isNotFound } from '../../host/kube-client/errors.ts';
import { informer } from '../../host/kube-client/informer.ts';
import type { Delta, Informer } from '../../host/kube-client/informer.ts';
import { pause } from '../../host/kube-client/pause.ts';
import { LEASES, NODES } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';

/** Between renewals of the own Lease, milliseconds: two may be lost. */
const RENEWAL = 4000;
/** Without a renewal that this node has seen come back it counts itself out, milliseconds: before others give it up. */
const OWN_LIFE = 10_000;
/** Between looks at whose time is over, milliseconds. */
const LOOK = 1000;

/** What the circle of nodes needs. */
export interface LeaseCircleDependencies {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly interfaces: () => readonly SegmentInterface[];
  /** Called when members come, go or have other interfaces, and once in every {@link LOOK}. */
  readonly onLook: () => void;
}

/** A node that lives, and its interfaces as a text that is another when they are. */
export interface LivingMember extends Member {
  readonly subnets: string;
}

/** What is kept of a Lease. */
interface Known extends LivingMember {
  readonly renewed: string;
  readonly version: string;
}

/**
 * The nodes that live, by a Lease that each renews and all watch. When a node is dead each one judges by its own clock, from
 * when it saw the last renewal. The own Lease is seen by the same watch and counts shorter: a node that is cut off, with its
 * renewals or with its watch, leaves before the others take over, and before the others look dead to it. Who notices that a
 * node is dead takes its Lease away: an agent that starts believes in every Lease that it finds, for as long as one lasts.
 */
export class LeaseCircle {
  readonly #node: string;
  readonly #dependencies: LeaseCircleDependencies;
  readonly #stop = new AbortController();
  readonly #leases: Informer<Known>;
  readonly #done: Promise<unknown>;
  /** When each node's time is over, on the monotonic clock. */
  readonly #ends = new Map<string, number>();
  /** When the last renewals were sent, by their `renewTime`. */
  readonly #sent = new Map<string, number>();

  constructor(node: string, dependencies: LeaseCircleDependencies) {
    this.#node = node;
    this.#dependencies = dependencies;
    const { signal } = this.#stop;
    this.#leases = informer<Lease, Known>(
      dependencies.client,
      LEASES,
      {
        namespace: LEASE_NAMESPACE,
        project: known,
        onDelta: (delta) => this.#onLease(delta),
        onError: (error) => this.#warn('watching the Leases of nodes', error),
      },
      signal,
    );
    this.#done = Promise.all([this.#leases.done, this.#renew(signal), this.#look(signal)]);
  }

  /** Who lives now; none while that is not known. */
  members(): readonly LivingMember[] {
    // Cut off, and nobody's death is to be believed.
    if (!this.#isAlive(this.#node)) return [];
    return [...this.#leases.items.values()].filter(({ node }) => this.#isAlive(node));
  }

  /** Leaves the circle; `forGood`: the others need not wait until the Lease is over. */
  async stop(forGood: boolean): Promise<void> {
    this.#stop.abort();
    await this.#done;
    if (!forGood) return;
    const { client } = this.#dependencies;
    await client
      .delete(LEASES, { namespace: LEASE_NAMESPACE, name: this.#node })
      .catch((error: unknown) => !isNotFound(error) && this.#warn('giving the Lease of this node back', error));
  }

  #onLease(delta: Delta<Known>): void {
    if (delta.kind === 'delete') {
      this.#ends.delete(delta.previous.node);
      return this.#dependencies.onLook();
    }
    const { node, renewed } = delta.object;
    if (delta.previous?.renewed === renewed) return;
    const now = performance.now();
    if (node === this.#node) {
      // One of a former life says nothing.
      const sent = this.#sent.get(renewed);
      if (sent === undefined) return;
      this.#ends.set(node, sent + OWN_LIFE);
    } else this.#ends.set(node, now + LEASE_SECONDS * 1000);
    if (delta.previous?.subnets !== delta.object.subnets) this.#dependencies.onLook();
  }

  #isAlive(node: string): boolean {
    return (this.#ends.get(node) ?? 0) > performance.now();
  }

  async #look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(LOOK, signal);
      if (signal.aborted) return;
      this.#dependencies.onLook();
      if (this.#isAlive(this.#node)) this.#buryDead();
    }
  }

  /** Each once: what fails leaves a Lease behind, and it is only later that the dead are known to be dead. */
  #buryDead(): void {
    const { client } = this.#dependencies;
    for (const { node, version } of this.#leases.items.values()) {
      if (!this.#ends.has(node) || this.#isAlive(node)) continue;
      this.#ends.delete(node);
      // Renewed meanwhile it is another version.
      const preconditions = { resourceVersion: version };
      client.delete(LEASES, { namespace: LEASE_NAMESPACE, name: node }, { preconditions }).catch((error: unknown) => {
        if (!isNotFound(error) && !isConflict(error)) this.#warn(`taking the Lease of dead node ${node} away`, error);
      });
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#write(signal).catch((error: unknown) => {
        if (!signal.aborted) this.#warn('renewing the Lease of this node', error);
      });
      await pause(RENEWAL, signal);
    }
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { client, interfaces } = this.#dependencies;
    const renewTime = microTime();
    const content = {
      metadata: { annotations: { [SUBNETS_ANNOTATION]: formatInterfaces(interfaces()) } },
      spec: { holderIdentity: this.#node, leaseDurationSeconds: LEASE_SECONDS, renewTime },
    };
    const now = performance.now();
    for (const [time, at] of this.#sent) if (at + OWN_LIFE < now) this.#sent.delete(time);
    this.#sent.set(renewTime, now);
    const name = { namespace: LEASE_NAMESPACE, name: this.#node };
    try {
      await client.patch<Lease>(LEASES, name, 'merge', content, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const metadata = { ...content.metadata, ...name, ...(await this.#owner()) };
      await client.create<Lease>(LEASES, { ...content, metadata });
    }
  }

  /** With its Node the Lease goes. */
  async #owner(): Promise<object> {
    const { metadata } = await this.#dependencies.client.get<Node>(NODES, { name: this.#node });
    const uid = metadata?.uid;
    return uid === undefined ? {} : { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: this.#node, uid }] };
  }

  #warn(what: string, error: unknown): void {
    this.#dependencies.log.warn(what, { error: messageOf(error) });
  }
}

function known({ metadata, spec }: Lease): Known {
  const subnets = metadata?.annotations?.[SUBNETS_ANNOTATION] ?? '';
  return {
    node: metadata?.name ?? '',
    version: metadata?.resourceVersion ?? '',
    renewed: String(spec?.renewTime ?? ''),
    interfaces: parseInterfaces(subnets),
    subnets,
  };
}

/** The wall clock as Leases have it. */
function microTime(): string {
  return `${new Date().toISOString().slice(0, -1)}000Z`;
}
