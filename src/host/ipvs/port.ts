import type { Ip } from '../../base/ip/index.ts';
import type { ServiceProtocol } from '../../core/service/model.ts';

/** What tells a virtual server from others. */
export interface IpvsServerId {
  readonly address: Ip;
  readonly protocol: ServiceProtocol;
  readonly port: number;
}

/** A virtual server: an address and port whose connections are spread over destinations. */
export interface IpvsServer extends IpvsServerId {
  /** The kernel's name of it: `rr`, `wrr`, … */
  readonly scheduler: string;
  /** For how many seconds after its last connection a client comes to the same destination; absent: to any. */
  readonly persistSeconds?: number;
}

/** Where connections go: of the family of its server, by translation of addresses. */
export interface IpvsDestination {
  readonly address: Ip;
  readonly port: number;
  /** 0: what it has goes on, nothing new comes. */
  readonly weight: number;
}

/** One step. A server is added without destinations and takes those that it has with it. */
export type IpvsChange =
  | { readonly kind: 'add-server' | 'set-server'; readonly server: IpvsServer }
  | { readonly kind: 'delete-server'; readonly server: IpvsServerId }
  | {
      readonly kind: 'add-destination' | 'set-destination' | 'delete-destination';
      readonly server: IpvsServerId;
      readonly destination: IpvsDestination;
    };

/**
 * The kernel's load balancer in one network namespace. Errors are `SluiceError<ErrnoCode>`: `exists` for a server or
 * destination that is there, whoever made it, `not-found` for one that is not, and for a scheduler that the kernel lacks.
 */
export interface Ipvs extends Disposable {
  /** The servers that were made here, in this life or a former one; those of others are never shown. */
  servers(): readonly IpvsServer[];
  /** With the connections that each has now. */
  destinations(server: IpvsServerId): readonly (IpvsDestination & { readonly connections: number })[];
  change(change: IpvsChange): void;
}
