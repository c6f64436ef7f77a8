import { formatIp } from '../../base/ip/index.ts';
import { serverKey } from '../../core/service/virtual-servers.ts';
import type { VirtualServer } from '../../core/service/virtual-servers.ts';
import type { Ipvs, IpvsDestination, IpvsServer } from '../../host/ipvs/port.ts';

/** One server that the kernel has. */
interface Held {
  readonly server: IpvsServer;
  /** By address and port. */
  readonly destinations: Map<string, IpvsDestination>;
}

/** Takes new connections as all others do: Kubernetes knows no weights. */
const WEIGHT = 1;

/** The servers of ours that the kernel has, as far as it was read or told, and the steps from there to the desired ones. */
export class HeldServers {
  readonly #ipvs: Ipvs;
  readonly #scheduler: string;
  readonly #held = new Map<string, Held>();

  constructor(ipvs: Ipvs, scheduler: string) {
    this.#ipvs = ipvs;
    this.#scheduler = scheduler;
    for (const server of ipvs.servers()) this.#read(server);
  }

  keys(): Iterable<string> {
    return this.#held.keys();
  }

  has(key: string): boolean {
    return this.#held.has(key);
  }

  /** Servers that have something which is going. */
  draining(): readonly string[] {
    const isGoing = ({ weight }: IpvsDestination): boolean => weight === 0;
    return [...this.#held].flatMap(([key, { destinations }]) => (destinations.values().some(isGoing) ? [key] : []));
  }

  /** Forgets servers that are gone; `uncertain`: of these nothing is believed. */
  reread(uncertain: Iterable<string>): void {
    const servers = new Map(this.#ipvs.servers().map((server) => [serverKey(server), server]));
    for (const key of this.#held.keys()) if (!servers.has(key)) this.#held.delete(key);
    for (const key of uncertain) {
      const server = servers.get(key);
      if (server !== undefined) this.#read(server);
    }
  }

  /** Adds what the server wants and has not. Throws the kernel's error; what came before it is done. */
  ensure(wanted: VirtualServer): void {
    const { address, protocol, port, affinitySeconds } = wanted;
    const server: IpvsServer = {
      address,
      protocol,
      port,
      scheduler: this.#scheduler,
      ...(affinitySeconds === undefined ? {} : { persistSeconds: affinitySeconds }),
    };
    const { destinations } = this.#ensureServer(server);
    for (const backend of wanted.backends) {
      const key = destinationKey(backend);
      const before = destinations.get(key);
      if (before?.weight === WEIGHT) continue;
      const destination = { address: backend.address, port: backend.port, weight: WEIGHT };
      this.#ipvs.change({
        kind: before === undefined ? 'add-destination' : 'set-destination',
        server,
        destination,
      });
      destinations.set(key, destination);
    }
  }

  /**
   * Destinations that are not wanted take nothing new, and go when they have no connections; over UDP at once, since there
   * connections do not end. The server goes with the last one. Throws the kernel's error.
   */
  retire(key: string, wanted: VirtualServer | undefined): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    const { server, destinations } = held;
    const kept = new Set(wanted?.backends.map(destinationKey));
    const going = [...destinations].filter(([name]) => !kept.has(name));
    for (const [name, destination] of going) {
      if (server.protocol === 'UDP' || destination.weight === 0) continue;
      this.#ipvs.change({ kind: 'set-destination', server, destination: { ...destination, weight: 0 } });
      destinations.set(name, { ...destination, weight: 0 });
    }
    const busy = server.protocol === 'UDP' || going.length === 0 ? new Set<string>() : this.#busy(server);
    for (const [name, destination] of going) {
      if (busy.has(name)) continue;
      this.#ipvs.change({ kind: 'delete-destination', server, destination });
      destinations.delete(name);
    }
    if (wanted !== undefined || destinations.size > 0) return;
    this.#ipvs.change({ kind: 'delete-server', server });
    this.#held.delete(key);
  }

  /** The kernel keeps what it has. */
  close(): void {
    this.#ipvs[Symbol.dispose]();
  }

  #ensureServer(server: IpvsServer): Held {
    const key = serverKey(server);
    const held = this.#held.get(key);
    const same = held?.server.scheduler === server.scheduler && held.server.persistSeconds === server.persistSeconds;
    if (held !== undefined && same) return held;
    this.#ipvs.change({ kind: held === undefined ? 'add-server' : 'set-server', server });
    const made: Held = { server, destinations: held?.destinations ?? new Map<string, IpvsDestination>() };
    this.#held.set(key, made);
    return made;
  }

  #busy(server: IpvsServer): Set<string> {
    const busy = this.#ipvs.destinations(server).filter(({ connections }) => connections > 0);
    return new Set(busy.map(destinationKey));
  }

  #read(server: IpvsServer): void {
    const destinations = this.#ipvs
      .destinations(server)
      .map(({ address, port, weight }) => [destinationKey({ address, port }), { address, port, weight }] as const);
    this.#held.set(serverKey(server), { server, destinations: new Map(destinations) });
  }
}

function destinationKey({ address, port }: Pick<IpvsDestination, 'address' | 'port'>): string {
  return `${formatIp(address)} ${port}`;
}
