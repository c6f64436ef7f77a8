import { hasCode, messageOf } from '../../base/errors.ts';
import { formatIp } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { workloadEndpoint } from '../../core/datastore/index.ts';
import type { WorkloadEndpoint } from '../../core/datastore/index.ts';
import { isAlreadyExists, isNotFound } from '../../host/kube-client/errors.ts';
import { listAll } from '../../host/kube-client/list-all.ts';
import { WORKLOAD_ENDPOINTS } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../host/kube-client/types.ts';
import type { KnownPod } from './cluster-feed.ts';
import { INTERFACE_PREFIX } from './endpoint-record.ts';
import type { EndpointRecord } from './endpoint-record.ts';

export interface WorkloadEndpointsDependencies {
  readonly client: KubeClient;
  /** Attachments of this node. */
  readonly records: () => Iterable<EndpointRecord>;
  readonly pods: () => ReadonlyMap<string, KnownPod>;
  readonly log: Logger;
}

/**
 * Says of this node's pods in etcd what Calico's plugin would say there: where Calico's objects are in etcd its nodes learn
 * of pods by nothing else, so without it their policies would take these pods for strangers. Of what is there it touches
 * only endpoints of this node whose interface is one of ours.
 */
export class WorkloadEndpoints {
  readonly #node: string;
  readonly #dependencies: WorkloadEndpointsDependencies;
  /** What is there of ours, as text, by `namespace/name`; undefined before it was read. */
  #there: Map<string, string> | undefined;
  #due = false;
  #running: Promise<void> | undefined;

  constructor(node: string, dependencies: WorkloadEndpointsDependencies) {
    this.#node = node;
    this.#dependencies = dependencies;
  }

  /** A pod may be one of this node's, or has been. */
  changed(): void {
    void this.settle();
  }

  /** Brings etcd to what there is; what fails is logged, and tried again the next time. */
  settle(): Promise<void> {
    this.#due = true;
    this.#running ??= this.#run(() => this.#desired()).finally(() => {
      this.#running = undefined;
      // Told in the very moment of its end.
      if (this.#due) this.changed();
    });
    return this.#running;
  }

  /** Takes everything back: the node has another network from now on. */
  async withdraw(): Promise<void> {
    await this.#running;
    this.#due = true;
    await this.#run(() => new Map());
  }

  async #run(desired: () => ReadonlyMap<string, WorkloadEndpoint>): Promise<void> {
    try {
      while (this.#due) {
        this.#due = false;
        this.#there ??= await this.#read();
        await this.#bringAbout(this.#there, desired());
      }
    } catch (error) {
      this.#there = undefined;
      if (!hasCode(error, 'datastore-locked'))
        this.#dependencies.log.warn("cannot tell Calico's nodes of this node's pods", { error: messageOf(error) });
    }
  }

  async #read(): Promise<Map<string, string>> {
    const { items } = await listAll<KubeObject>(this.#dependencies.client, WORKLOAD_ENDPOINTS);
    const own = (items as unknown as readonly WorkloadEndpoint[]).filter(
      ({ spec }) => spec?.node === this.#node && spec.interfaceName?.startsWith(INTERFACE_PREFIX) === true,
    );
    return new Map(own.map((endpoint) => [keyOf(endpoint), textOf(endpoint)]));
  }

  #desired(): ReadonlyMap<string, WorkloadEndpoint> {
    const { records, pods } = this.#dependencies;
    const endpoints = [...records()].flatMap((record) => {
      const pod = pods().get(`${record.namespace}/${record.pod}`);
      if (pod === undefined) return [];
      const addresses = record.addresses.map(formatIp);
      return [workloadEndpoint(pod, { ...record, node: this.#node, addresses })];
    });
    return new Map(endpoints.map((endpoint) => [keyOf(endpoint), endpoint]));
  }

  async #bringAbout(there: Map<string, string>, desired: ReadonlyMap<string, WorkloadEndpoint>): Promise<void> {
    const { client } = this.#dependencies;
    for (const key of [...there.keys()].filter((each) => !desired.has(each))) {
      const [namespace, name] = key.split('/') as [string, string];
      await client.delete(WORKLOAD_ENDPOINTS, { namespace, name }).catch(unlessGone);
      there.delete(key);
    }
    for (const [key, endpoint] of desired) {
      const text = textOf(endpoint);
      if (there.get(key) === text) continue;
      await this.#write(endpoint);
      there.set(key, text);
    }
  }

  /** A sandbox of before may have left one of the same name: this one counts now. */
  async #write(endpoint: WorkloadEndpoint): Promise<void> {
    const { client } = this.#dependencies;
    try {
      await client.create(WORKLOAD_ENDPOINTS, endpoint as KubeObject);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      await client.update(WORKLOAD_ENDPOINTS, endpoint as KubeObject);
    }
  }
}

function keyOf({ metadata: { namespace, name } }: WorkloadEndpoint): string {
  return `${namespace}/${name}`;
}

/** What it says, whoever wrote it, and in whatever order. */
function textOf({ metadata: { labels = {} }, spec }: WorkloadEndpoint): string {
  return JSON.stringify([sorted(labels), sorted(spec ?? {})]);
}

function sorted(fields: object): readonly (readonly [string, unknown])[] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
