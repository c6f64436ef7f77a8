import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { parseIp } from '../../base/ip/index.ts';
import type { IngressModel, Remark } from '../../core/ingress/index.ts';
import type { Ingress, Service } from '../../core/kube/types.ts';
import { isAlreadyExists, isNotFound } from '../../host/kube-client/errors.ts';
import { EVENTS } from '../../host/kube-client/resources.ts';
import type { KubeClient, Resource } from '../../host/kube-client/types.ts';
import { warningEvent } from '../../host/kube-client/warning-event.ts';

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
      const identity = identityOf(ingress, remark);
      if (!this.#told.has(identity) && !(await this.#createEvent(identity, ingress, remark))) continue;
      told.add(identity);
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

  async #createEvent(identity: string, ingress: Ingress, remark: Remark): Promise<boolean> {
    const { client, log, now } = this.#dependencies;
    log.warn('an Ingress is not served as it is written', { ...remark });
    try {
      const { name = '', namespace = '', uid = '' } = ingress.metadata ?? {};
      const about = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace, name, uid };
      const { reason, message } = remark;
      const source = { component: 'sluice-ingress' };
      await client.create(EVENTS, warningEvent({ about, reason, message, identity, source, now: now() }));
      return true;
    } catch (error) {
      // Another instance of this controller was faster, or an earlier one said the same.
      if (isAlreadyExists(error) || isNotFound(error)) return true;
      log.warn('cannot create an event', { ingress: remark.owner, error: messageOf(error) });
      return false;
    }
  }
}

/**
 * Where clients find what the Service stands for: its load balancer, else its external addresses, else the `nodes` that
 * serve it, else its own.
 */
export function addressesOf(service: Service | undefined, nodes: readonly string[] = []): readonly string[] {
  const balancer = (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
  if (balancer.length > 0) return balancer;
  const { externalIPs = [], clusterIPs = [] } = service?.spec ?? {};
  if (externalIPs.length > 0) return externalIPs;
  return nodes.length > 0 ? nodes : clusterIPs.filter((each) => each !== 'None');
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
function identityOf({ metadata }: Ingress, { reason, message }: Remark): string {
  return `${metadata?.uid} ${reason} ${message}`;
}
