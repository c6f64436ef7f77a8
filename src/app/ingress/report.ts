import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { sha256 } from '../../base/sha256.ts';
import { parseIp } from '../../base/ip/index.ts';
import type { IngressModel, Remark } from '../../core/ingress/index.ts';
import type { Ingress, Service } from '../../core/kube/types.ts';
import { isAlreadyExists, isNotFound } from '../../host/kube-client/errors.ts';
import { EVENTS } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../../host/kube-client/types.ts';

/** What reporting needs. */
export interface ReportDependencies {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly resource: Resource;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** One address of an Ingress in its status. */
interface StatusAddress {
  readonly ip?: string;
  readonly hostname?: string;
  readonly ports?: readonly { readonly port: number; readonly protocol: string; readonly error: string }[];
}

/** Tells of Ingresses in their status and by events, each once. */
export class IngressReporter {
  readonly #dependencies: ReportDependencies;
  #told = new Set<string>();

  constructor(dependencies: ReportDependencies) {
    this.#dependencies = dependencies;
  }

  async report(model: IngressModel, ingresses: Iterable<Ingress>, addresses: readonly string[]): Promise<void> {
    const owned = new Set(model.owned);
    const byKey = new Map([...ingresses].map((ingress) => [keyOf(ingress), ingress]));
    const refusals = new Map(
      model.remarks.filter(({ severity }) => severity === 'refused').map(({ owner, reason }) => [owner, reason]),
    );
    for (const [key, ingress] of byKey)
      if (owned.has(key)) await this.#writeStatus(ingress, statusOf(addresses, refusals.get(key)));
    const told = new Set<string>();
    for (const remark of model.remarks) {
      const ingress = byKey.get(remark.owner);
      if (ingress === undefined) continue;
      const name = eventName(ingress, remark);
      if (!this.#told.has(name) && !(await this.#createEvent(name, ingress, remark))) continue;
      told.add(name);
    }
    this.#told = told;
  }

  async #writeStatus(ingress: Ingress, wanted: readonly StatusAddress[]): Promise<void> {
    const present: readonly StatusAddress[] = (ingress.status?.loadBalancer?.ingress ?? []) as readonly StatusAddress[];
    if (JSON.stringify(present.map(canonical)) === JSON.stringify(wanted.map(canonical))) return;
    const { client, resource, log } = this.#dependencies;
    const name = { name: ingress.metadata?.name ?? '', namespace: ingress.metadata?.namespace ?? '' };
    const status = { loadBalancer: { ingress: wanted.length === 0 ? null : wanted } };
    try {
      await client.patch(resource, name, 'merge', { status }, { subresource: 'status' });
    } catch (error) {
      if (!isNotFound(error)) log.warn('cannot write a status', { ingress: keyOf(ingress), error: messageOf(error) });
    }
  }

  async #createEvent(name: string, ingress: Ingress, remark: Remark): Promise<boolean> {
    const { client, log, now } = this.#dependencies;
    log.warn('an Ingress is not served as it is written', { ...remark });
    try {
      await client.create(EVENTS, eventOf(name, ingress, remark, now()));
      return true;
    } catch (error) {
      // Another instance of this controller was faster, or an earlier one said the same.
      if (isAlreadyExists(error) || isNotFound(error)) return true;
      log.warn('cannot create an event', { ingress: remark.owner, error: messageOf(error) });
      return false;
    }
  }
}

/** Where clients find what the Service stands for: its load balancer, else its external addresses, else its own. */
export function addressesOf(service: Service | undefined): readonly string[] {
  const balancer = (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
  if (balancer.length > 0) return balancer;
  const { externalIPs = [], clusterIPs = [] } = service?.spec ?? {};
  return externalIPs.length > 0 ? externalIPs : clusterIPs.filter((each) => each !== 'None');
}

function statusOf(addresses: readonly string[], refusal: string | undefined): StatusAddress[] {
  const ports = [{ port: 80, protocol: 'TCP', error: `sluice.dev/${refusal}` }];
  return addresses.map((address) => ({
    ...(parseIp(address) === undefined ? { hostname: address } : { ip: address }),
    ...(refusal === undefined ? {} : { ports }),
  }));
}

function canonical({ ip, hostname, ports }: StatusAddress): unknown {
  return [ip, hostname, (ports ?? []).map(({ port, protocol, error }) => [port, protocol, error])];
}

function keyOf({ metadata }: Ingress): string {
  return `${metadata?.namespace ?? 'default'}/${metadata?.name ?? ''}`;
}

/** The same for the same remark, whoever makes it. */
function eventName({ metadata }: Ingress, { reason, message }: Remark): string {
  return `${metadata?.name}.${sha256(`${metadata?.uid} ${reason} ${message}`).slice(0, 16)}`;
}

function eventOf(name: string, { metadata }: Ingress, { reason, message }: Remark, now: number): KubeObject {
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  const { namespace, uid } = metadata ?? {};
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace, name },
    involvedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace, name: metadata?.name, uid },
    reason,
    message: message.slice(0, 1024),
    type: 'Warning',
    source: { component: 'sluice-ingress' },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
  return event;
}
