import type { Family } from '../../base/ip/index.ts';
import type { WireguardProblem, WireguardTunnel } from '../../core/wireguard/index.ts';
import type { WireguardDevice } from '../../host/wireguard/port.ts';
import { hasGreeted } from './wireguard-sessions.ts';
import type { WireguardSessions } from './wireguard-sessions.ts';

/** What `sluice status` shows of WireGuard. */
export interface WireguardStatus {
  readonly devices: readonly {
    readonly device: string;
    readonly publicKey: string | undefined;
    readonly port: number;
    readonly mtu: number;
    readonly peers: number;
    /** Peers whose pods are reached through it. */
    readonly greeted: number;
    /** Peers that have not answered its present key: what is for their pods waits, or still goes unencrypted. */
    readonly silent: readonly string[];
  }[];
  /** Peers with a key to which packets still go unencrypted, for the moments in which WireGuard is switched on. */
  readonly unencrypted: readonly string[];
  readonly problems: readonly WireguardProblem[];
  readonly error?: string;
}

/** What the status is made from. */
export interface WireguardStatusSources {
  readonly tunnels: readonly WireguardTunnel[];
  readonly device: (name: string) => WireguardDevice | undefined;
  readonly waysOf: (family: Family) => WireguardSessions['ways'];
  readonly problems: readonly WireguardProblem[];
  readonly error: string | undefined;
}

/** Tells of tunnels as the kernel has them now. */
export function wireguardStatus({
  tunnels,
  device: deviceOf,
  waysOf,
  problems,
  error,
}: WireguardStatusSources): WireguardStatus {
  const unencrypted = tunnels.flatMap(({ family, peers }) =>
    peers.map(({ node }) => node).filter((node) => !waysOf(family).has(node)),
  );
  return {
    devices: tunnels.map(({ device: name, family, way, port, mtu, peers }) => {
      const device = deviceOf(name);
      const silent = peers.filter(({ publicKey }) => device === undefined || !hasGreeted(device, publicKey));
      return {
        device: name,
        publicKey: device?.publicKey,
        port,
        mtu,
        peers: peers.length,
        greeted: peers.filter(({ node }) => waysOf(family).get(node) === way).length,
        silent: silent.map(({ node }) => node),
      };
    }),
    unencrypted: [...new Set(unencrypted)],
    problems,
    ...(error === undefined ? {} : { error }),
  };
}
