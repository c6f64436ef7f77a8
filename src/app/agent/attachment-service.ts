import { messageOf } from '../../base/errors.ts';
import { CNI_ERROR, CniError } from '../../core/cni/index.ts';
import type { AttachmentRequest, CniAttachment, CniResult, CniService, NetConf } from '../../core/cni/index.ts';
import { handleOf } from '../../core/ipam/index.ts';
import { endpointDelta } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';
import type { EndpointStore } from './endpoint-store.ts';
import { KeyedQueue } from './keyed-queue.ts';
import type { PacketFilter } from './packet-filter.ts';

/** What every kind of attachment needs. */
export interface AttachmentServiceDependencies {
  readonly store: EndpointStore;
  readonly filter: Pick<PacketFilter, 'apply' | 'flush'>;
  /** Resolves when ADD can be served; rejects, with the reason, when that takes too long. */
  readonly ready: () => Promise<void>;
  /** Throws the reason when ADD cannot be served now. */
  readonly assertHealthy: () => void;
}

/**
 * The pods of this node on record, and the turns in which they are dealt with: of one pod, one request at a time. What an
 * attachment consists of, its kinds say.
 */
export abstract class AttachmentService implements CniService {
  readonly #dependencies: AttachmentServiceDependencies;
  readonly #records = new Map<string, EndpointRecord>();
  readonly #queue = new KeyedQueue();
  /** Endpoints that come under policy in this very turn of the event loop. */
  readonly #fresh = new Set<string>();

  constructor(dependencies: AttachmentServiceDependencies) {
    this.#dependencies = dependencies;
  }

  get records(): ReadonlyMap<string, EndpointRecord> {
    return this.#records;
  }

  /** Endpoints whose first policy is being programmed: they can have no connections yet. */
  get fresh(): ReadonlySet<string> {
    return this.#fresh;
  }

  /** Takes over a pod that an earlier agent knew; its policy follows with the first packet filter. */
  adopt(record: EndpointRecord): void {
    this.#records.set(record.id, record);
  }

  add(request: AttachmentRequest): Promise<CniResult> {
    return this.#inTurn(request, (id) => this.attach(id, request));
  }

  del(request: AttachmentRequest): Promise<void> {
    return this.#inTurn(request, (id) => this.remove(id));
  }

  check(request: AttachmentRequest): Promise<void> {
    return this.#inTurn(request, async (id) => {
      await this.ready();
      this.inspect(id, request);
    });
  }

  async gc({ name }: NetConf, valid: readonly CniAttachment[]): Promise<void> {
    const keep = new Set(valid.map(({ containerID, ifname }) => handleOf(name, containerID, ifname)));
    const gone = [...this.#records.values()].filter(({ network, id }) => network === name && !keep.has(id));
    await Promise.all(gone.map(({ id }) => this.#queue.run(id, () => this.remove(id))));
  }

  status(): Promise<void> {
    return Promise.resolve().then(() => this.#dependencies.assertHealthy());
  }

  /** Undoes an attachment as far as there is one. */
  abstract remove(id: string): Promise<void>;

  protected abstract attach(id: string, request: AttachmentRequest): Promise<CniResult>;

  /** Throws what is wrong with an attachment. */
  protected abstract inspect(id: string, request: AttachmentRequest): void;

  /** Resolves when requests can be served; rejects with code 11 when that takes too long. */
  protected async ready(): Promise<void> {
    try {
      await this.#dependencies.ready();
    } catch (error) {
      throw new CniError(CNI_ERROR.tryAgainLater, `the agent is not ready: ${messageOf(error)}`, '', error);
    }
  }

  protected remember(record: EndpointRecord): void {
    this.#dependencies.store.save(record);
    this.#records.set(record.id, record);
  }

  protected forget(id: string): void {
    this.#records.delete(id);
  }

  /** Whether a request about it is being served. */
  protected isBusy(id: string): boolean {
    return this.#queue.isBusy(id);
  }

  /** The kernel has acknowledged the pod's policy, and `then` is done, when it returns. */
  protected program(record: EndpointRecord, then?: () => void): void {
    const { filter } = this.#dependencies;
    filter.apply(endpointDelta(record));
    this.#fresh.add(record.id);
    try {
      filter.flush();
      then?.();
    } finally {
      this.#fresh.delete(record.id);
    }
  }

  #inTurn<T>({ config, containerId, ifname }: AttachmentRequest, serve: (id: string) => Promise<T>): Promise<T> {
    const id = handleOf(config.name, containerId, ifname);
    return this.#queue.run(id, () => serve(id));
  }
}
