import type { Server } from 'node:http';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { ServiceSpec, SliceSpec } from '../../core/service/model.ts';
import { endpointsHere } from '../../core/service/translate.ts';
import { http } from '../../host/http.ts';

export interface ServiceHealthDependencies {
  readonly services: () => Iterable<ServiceSpec>;
  readonly slices: () => Iterable<SliceSpec>;
  /** Whether the kernel translates Services as the cluster says. */
  readonly healthy: () => boolean;
  readonly log: Logger;
}

/** How long changes are gathered before ports are opened and closed, milliseconds. */
const GATHER = 100;

interface Listening {
  readonly server: Server;
  service: string;
  endpoints: number;
}

/**
 * Answers the load balancers' question whether this node has ready endpoints of a Service under externalTrafficPolicy Local:
 * on the Service's healthCheckNodePort, any path, with the codes, headers and JSON of kube-proxy.
 */
export class ServiceHealth {
  readonly #node: string;
  readonly #dependencies: ServiceHealthDependencies;
  readonly #ports = new Map<number, Listening>();
  #due: NodeJS.Timeout | undefined;

  constructor(node: string, dependencies: ServiceHealthDependencies) {
    this.#node = node;
    this.#dependencies = dependencies;
  }

  /** A Service or its endpoints are others now. */
  changed(): void {
    this.#due ??= setTimeout(() => this.settle(), GATHER);
  }

  /** Opens, closes and updates ports as Services ask now. Of two Services with one port the first by name has it. */
  settle(): void {
    clearTimeout(this.#due);
    this.#due = undefined;
    const asking = [...this.#dependencies.services()]
      .filter(({ healthPort }) => healthPort !== undefined)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    if (asking.length + this.#ports.size === 0) return;
    const wanted = new Map(asking.toReversed().map((service) => [service.healthPort!, service]));
    const slices = Map.groupBy(this.#dependencies.slices(), ({ service }) => service);
    for (const [port, { server }] of this.#ports)
      if (!wanted.has(port)) {
        this.#ports.delete(port);
        close(server);
      }
    for (const [port, service] of wanted) {
      const endpoints = endpointsHere(service, slices.get(service.key) ?? [], this.#node);
      const listening = this.#ports.get(port);
      if (listening !== undefined) Object.assign(listening, { service: service.key, endpoints });
      else this.#open(port, service.key, endpoints);
    }
  }

  stop(): void {
    clearTimeout(this.#due);
    for (const { server } of this.#ports.values()) close(server);
    this.#ports.clear();
  }

  /** A port that somebody else has is tried again at the next change. */
  #open(port: number, service: string, endpoints: number): void {
    const server = http.createServer((_, response) => {
      const { endpoints: here, service: key } = listening;
      const healthy = this.#dependencies.healthy();
      const headers = {
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
        'x-load-balancing-endpoint-weight': String(here),
      };
      response.writeHead(here > 0 && healthy ? 200 : 503, headers).end(answer(key, here, healthy));
    });
    const listening: Listening = { server, service, endpoints };
    server.on('error', (error) => {
      this.#dependencies.log.error('cannot tell load balancers of a Service', {
        service,
        port,
        error: messageOf(error),
      });
      if (this.#ports.get(port) === listening) this.#ports.delete(port);
    });
    server.listen(port);
    this.#ports.set(port, listening);
  }
}

function answer(service: string, localEndpoints: number, serviceProxyHealthy: boolean): string {
  const [namespace, name] = service.split('/');
  return JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }, undefined, '\t');
}

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}
