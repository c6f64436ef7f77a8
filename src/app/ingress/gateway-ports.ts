import { createServer } from 'node:net';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Gateway } from '../../core/gateway/index.ts';
import { isAlreadyExists, isNotFound } from '../../host/kube-client/errors.ts';
import { EVENTS } from '../../host/kube-client/resources.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { warningEvent } from '../../host/kube-client/warning-event.ts';

/** What is needed to look at ports and to tell of them. */
export interface GatewayPortsDependencies {
  readonly client: KubeClient;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Where the proxy listens. */
  readonly addresses: readonly string[];
}

/** Ports that the proxy has in any case, as listeners call them. */
const USUAL_PORTS: readonly number[] = [80, 443];

/**
 * Finds the ports of Gateways that this machine has no place for: a configuration with them would be refused as a whole.
 * That is told by events, as the status of a Gateway is the same for all machines.
 */
export class GatewayPorts {
  readonly #dependencies: GatewayPortsDependencies;
  #running: ReadonlySet<number> = new Set();
  #told = new Set<string>();

  constructor(dependencies: GatewayPortsDependencies) {
    this.#dependencies = dependencies;
  }

  /** The proxy listens at these ports now. */
  running(ports: readonly { readonly port: number }[]): void {
    this.#running = new Set(ports.map(({ port }) => port));
  }

  async unusable(gateways: readonly Gateway[]): Promise<ReadonlySet<number>> {
    const wanted = new Set(gateways.flatMap(({ spec }) => (spec?.listeners ?? []).map(({ port }) => port)));
    const problems = new Map<number, string>();
    for (const port of wanted) {
      if (USUAL_PORTS.includes(port) || this.#running.has(port)) continue;
      const problem = await this.#problem(port);
      if (problem !== undefined) problems.set(port, problem);
    }
    await this.#tell(gateways, problems);
    return new Set(problems.keys());
  }

  async #problem(port: number): Promise<string | undefined> {
    for (const host of this.#dependencies.addresses)
      try {
        await tryToListen(host, port);
      } catch (error) {
        return messageOf(error);
      }
    return undefined;
  }

  async #tell(gateways: readonly Gateway[], problems: ReadonlyMap<number, string>): Promise<void> {
    const told = new Set<string>();
    for (const { metadata, spec } of gateways)
      for (const { port } of spec?.listeners ?? []) {
        const problem = problems.get(port);
        if (problem === undefined) continue;
        const { namespace = '', name = '', uid = '' } = metadata ?? {};
        const message = `nothing is served at port ${port} of this machine: ${problem}`;
        const identity = `${uid} PortUnavailable ${message}`;
        if (!this.#told.has(identity)) await this.#event({ namespace, name, uid }, message, identity);
        told.add(identity);
      }
    this.#told = told;
  }

  async #event(
    gateway: { readonly namespace: string; readonly name: string; readonly uid: string },
    message: string,
    identity: string,
  ): Promise<void> {
    const { client, log, now } = this.#dependencies;
    log.warn('a port of a Gateway cannot be used', { gateway: gateway.name, message });
    const about = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', ...gateway };
    const source = { component: 'sluice-ingress' };
    try {
      await client.create(
        EVENTS,
        warningEvent({ about, reason: 'PortUnavailable', message, identity, source, now: now() }),
      );
    } catch (error) {
      if (!isAlreadyExists(error) && !isNotFound(error))
        log.warn('cannot create an event', { gateway: gateway.name, error: messageOf(error) });
    }
  }
}

function tryToListen(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true, ipv6Only: host.includes(':') }, () => server.close(() => resolve()));
  });
}
