import { formatIp } from '../../base/ip/index.ts';
import { ERRNO, errnoError } from '../errno.ts';
import type { Ipvs, IpvsChange, IpvsDestination, IpvsServer, IpvsServerId } from './port.ts';

type Held = { server: IpvsServer; readonly ours: boolean; readonly destinations: Map<string, IpvsDestination> };

/** IPVS in memory, with all schedulers of `schedulers`; no connection is ever made, but tests may say that one was. */
export class FakeIpvs implements Ipvs {
  readonly #held = new Map<string, Held>();
  readonly #schedulers: readonly string[];
  /** How many connections a destination has, by its address and port; 0 where nothing is said. */
  readonly connections = new Map<string, number>();

  constructor(schedulers: readonly string[] = ['rr', 'wrr', 'lc', 'sh', 'mh']) {
    this.#schedulers = schedulers;
  }

  servers(): readonly IpvsServer[] {
    return [...this.#held.values()].filter(({ ours }) => ours).map(({ server }) => server);
  }

  destinations(server: IpvsServerId): readonly (IpvsDestination & { readonly connections: number })[] {
    return [...this.#find(server).destinations].map(([key, each]) => ({
      ...each,
      connections: this.connections.get(key) ?? 0,
    }));
  }

  change(change: IpvsChange): void {
    switch (change.kind) {
      case 'add-server':
        return this.#add(change.server, true);
      case 'set-server':
        this.#assertScheduler(change.server);
        this.#find(change.server).server = change.server;
        return;
      case 'delete-server':
        this.#find(change.server);
        this.#held.delete(serverName(change.server));
        return;
      case 'add-destination':
      case 'set-destination':
      case 'delete-destination':
        return this.#changeDestination(change);
    }
  }

  /** A server that somebody else made. */
  addForeign(server: IpvsServer): void {
    this.#add(server, false);
  }

  [Symbol.dispose](): void {
    // What the kernel has stays.
  }

  #add(server: IpvsServer, ours: boolean): void {
    this.#assertScheduler(server);
    if (this.#held.has(serverName(server))) throw failure(ERRNO.EEXIST);
    this.#held.set(serverName(server), { server, ours, destinations: new Map() });
  }

  #changeDestination({ kind, server, destination }: Extract<IpvsChange, { destination: IpvsDestination }>): void {
    const { destinations } = this.#find(server);
    const key = `${formatIp(destination.address)} ${destination.port}`;
    if (kind === 'add-destination' && destinations.has(key)) throw failure(ERRNO.EEXIST);
    if (kind !== 'add-destination' && !destinations.has(key)) throw failure(ERRNO.ENOENT);
    if (kind === 'delete-destination') destinations.delete(key);
    else destinations.set(key, destination);
  }

  #find(server: IpvsServerId): Held {
    const held = this.#held.get(serverName(server));
    if (held === undefined) throw failure(ERRNO.ESRCH);
    return held;
  }

  #assertScheduler({ scheduler }: IpvsServer): void {
    if (!this.#schedulers.includes(scheduler)) throw failure(ERRNO.ENOENT);
  }
}

function serverName({ address, protocol, port }: IpvsServerId): string {
  return `${protocol} ${formatIp(address)} ${port}`;
}

function failure(errno: number): Error {
  return errnoError(errno, 'changing IPVS');
}
