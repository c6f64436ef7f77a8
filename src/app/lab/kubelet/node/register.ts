import type { Node } from 'kubernetes-types/core/v1.d.ts';
import type { Logger } from '../../../../base/log.ts';
import { isAlreadyExists, isNotFound } from '../../../../host/kube-client/errors.ts';
import { pause } from '../../../../host/kube-client/pause.ts';
import { LEASES, NODES } from '../../../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../../../host/kube-client/types.ts';
import type { KubeletConfig } from '../config.ts';
import { utcSeconds } from '../pod/utc-seconds.ts';
import type { Readiness } from './node-object.ts';
import { nodeLabels, nodeStatus } from './node-object.ts';

/** How often the lease is renewed, ms, and what it is good for, s: fast enough that a dead node is noticed in a test. */
const RENEW_EVERY = 2000;
/** A renewal without an answer is given up after this, ms, and another tried, long before the node counts as dead. */
const RENEWAL_TIMEOUT = 4000;
const LEASE_SECONDS = 6;
/** Every so many renewals the status is written too, since others may have declared the node unreachable meanwhile. */
const RENEWALS_PER_STATUS = 5;
const LEASE_NAMESPACE = 'kube-node-lease';
/** Waits between attempts to write the status, ms. */
const FIRST_RETRY = 50;
const LONGEST_RETRY = 2000;

/** The node's object and lease in the API. */
export class NodeRegistration {
  readonly #config: KubeletConfig;
  readonly #client: KubeClient;
  readonly #log: Logger;
  #readiness: Readiness = { ready: false, message: 'container runtime network not ready: no CNI configuration yet' };
  #node: Node | undefined;
  #changed = false;
  #writing: Promise<void> | undefined;

  constructor(config: KubeletConfig, { client, log }: { readonly client: KubeClient; readonly log: Logger }) {
    this.#config = config;
    this.#client = client;
    this.#log = log;
  }

  /** Registers the node, tried again until the API answers; labels and annotations of an older registration are kept. */
  async register(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        return await this.#registerOnce();
      } catch (error) {
        this.#log.debug('node not registered yet', { error: String(error) });
        await pause(100, signal);
      }
    }
  }

  /** Reports a change of readiness. */
  setReadiness(readiness: Readiness): Promise<void> {
    this.#readiness = readiness;
    return this.#writeStatus();
  }

  /** Renews the lease until the signal aborts. */
  async keepLease(signal: AbortSignal): Promise<void> {
    for (let renewals = 1; !signal.aborted; renewals++) {
      // Not waited for: a status that cannot be written must not end the lease.
      if (renewals % RENEWALS_PER_STATUS === 0) void this.#writeStatus();
      await this.#renew().catch((error: unknown) => this.#log.warn('lease not renewed', { error: String(error) }));
      await pause(RENEW_EVERY, signal);
    }
  }

  async #registerOnce(): Promise<void> {
    const { nodeName: name } = this.#config;
    const labels = { ...nodeLabels(this.#config) };
    try {
      await this.#create();
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      this.#node = await this.#client.patch<Node>(NODES, { name }, 'merge', { metadata: { labels } });
    }
    await this.#writeStatus();
  }

  async #create(): Promise<void> {
    const metadata = { name: this.#config.nodeName, labels: { ...nodeLabels(this.#config) } };
    const status = nodeStatus(this.#config, this.#readiness, utcSeconds(), undefined);
    this.#node = await this.#client.create<Node>(NODES, { metadata, spec: {}, status });
  }

  /** Writes the present status, after the write that is on its way; a failed one is tried again. Resolves when it is written. */
  #writeStatus(): Promise<void> {
    this.#changed = true;
    this.#writing ??= Promise.resolve().then(() => this.#drain());
    return this.#writing;
  }

  async #drain(): Promise<void> {
    let wait = FIRST_RETRY;
    while (this.#changed) {
      this.#changed = false;
      if (await this.#writeOnce()) continue;
      this.#changed = true;
      await new Promise((resolve) => setTimeout(resolve, wait));
      wait = Math.min(wait * 2, LONGEST_RETRY);
    }
    // In the same breath as the last look at #changed: a change after it starts anew.
    this.#writing = undefined;
  }

  async #writeOnce(): Promise<boolean> {
    const { nodeName: name } = this.#config;
    const status = nodeStatus(this.#config, this.#readiness, utcSeconds(), this.#node);
    try {
      // Strategic, so that conditions of others (NetworkUnavailable) stay; but addresses merge by type there, and a
      // node has one InternalIP per family, so they are replaced whole, as the real kubelet does.
      const body = { status: { ...status, addresses: [{ $patch: 'replace' }, ...(status.addresses ?? [])] } };
      this.#node = await this.#client.patch<Node>(NODES, { name }, 'strategic', body, { subresource: 'status' });
      return true;
    } catch (error) {
      this.#log.warn('node status not written', { error: String(error) });
      // Somebody has deleted the node: a kubelet that lives has one.
      if (isNotFound(error)) await this.#create().catch(() => undefined);
      return false;
    }
  }

  async #renew(): Promise<void> {
    const { nodeName: name } = this.#config;
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    };
    try {
      const signal = AbortSignal.timeout(RENEWAL_TIMEOUT);
      await this.#client.patch(LEASES, { namespace: LEASE_NAMESPACE, name }, 'merge', { spec }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.#client.create(LEASES, { metadata: { namespace: LEASE_NAMESPACE, name }, spec } as KubeObject);
    }
  }
}
