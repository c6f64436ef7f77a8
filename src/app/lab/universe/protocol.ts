import type { HostShare } from './base-root.ts';
import type { NodePlace } from './topology.ts';

/** What the supervisor starts the universe with; passed as JSON in the environment variable {@link UNIVERSE_CONFIG}. */
export interface UniverseConfig {
  readonly share: HostShare;
  readonly nodes: readonly NodeStart[];
  /** Whether the universe is in a user namespace, without the powers of real root. */
  readonly rootless: boolean;
  /** Whether the router speaks BGP. */
  readonly bgp: boolean;
}

/** One node to be started; `kubelet` is handed on to it unread. */
export interface NodeStart {
  readonly place: NodePlace;
  readonly kubelet: unknown;
}

/**
 * A node that runs: its first process, and file descriptors of the universe's init that lead to its network namespace
 * and to its root. The process itself leads astray while it starts a container, being in the namespaces of that.
 */
export interface NodeHold {
  readonly pid: number;
  readonly netFd: number;
  readonly rootFd: number;
}

/** Name of the environment variable with a {@link UniverseConfig}. */
export const UNIVERSE_CONFIG = 'SLUICE_UNIVERSE';
/** Name of the environment variable with `kubelet` of a {@link NodeStart}. */
export const KUBELET_CONFIG = 'SLUICE_KUBELET';

/** What the supervisor may ask of the universe's init over their IPC channel. Pids are the universe's. */
export type UniverseRequest =
  | { readonly op: 'start-node'; readonly node: NodeStart }
  | { readonly op: 'kill-node'; readonly name: string }
  /** `netns` is a path inside the universe. */
  | { readonly op: 'exec'; readonly netns: string; readonly command: readonly string[]; readonly stdin?: string };

/** Messages from the universe's init. */
export type UniverseMessage =
  | { readonly event: 'ready' }
  | { readonly event: 'phase'; readonly name: string }
  | ({ readonly event: 'node-started'; readonly name: string } & NodeHold)
  | { readonly event: 'node-exited'; readonly name: string; readonly reason: string }
  | { readonly event: 'outside-started'; readonly pid: number }
  | { readonly event: 'failed'; readonly message: string }
  | { readonly reply: number; readonly ok: unknown }
  | { readonly reply: number; readonly error: string };
