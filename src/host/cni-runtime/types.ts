import type { CniAttachment } from '../../core/cni/index.ts';

/** A parsed conflist (CNI specification 1.1.0, §1). */
export interface NetworkList {
  readonly cniVersion: string;
  readonly name: string;
  readonly disableCheck: boolean;
  readonly disableGC: boolean;
  /** The plugins' configurations in chain order, as they stand in the file. */
  readonly plugins: readonly Readonly<Record<string, unknown>>[];
}

/** One container interface to be put on a network. */
export interface RuntimeAttachment {
  readonly containerId: string;
  /** Path of the network namespace; may be empty for DEL. */
  readonly netns: string;
  readonly ifname: string;
  /** CNI_ARGS, e.g. `[['K8S_POD_NAMESPACE', 'default'], …]`. */
  readonly args: readonly (readonly [string, string])[];
  /** Values for the capabilities that plugins declare, e.g. `{ portMappings: [...], bandwidth: {...} }`. */
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** Where a runtime finds and keeps things. */
export interface CniRuntimeOptions {
  /** Directories searched for plugin executables, first match wins (CNI_PATH). */
  readonly pluginDirs: readonly string[];
  /** Where results of ADD are kept for CHECK and DEL, one file per attachment (libcni: /var/lib/cni/results). */
  readonly cacheDir: string;
  /** A plugin that has not ended by then is killed. */
  readonly timeoutMs: number;
}

/** Runs conflists as libcni does. Failures are thrown as CniError with the plugin's name, code, msg and details. */
export interface CniRuntime {
  /** Runs the chain; on failure the plugins that ran are undone by DEL. Resolves to the last plugin's result. */
  addNetworkList(list: NetworkList, attachment: RuntimeAttachment): Promise<Record<string, unknown>>;
  /** Runs the chain backwards with the cached result; an attachment that was never added is no error. */
  delNetworkList(list: NetworkList, attachment: RuntimeAttachment): Promise<void>;
  checkNetworkList(list: NetworkList, attachment: RuntimeAttachment): Promise<void>;
  /** Tells every plugin which attachments are still valid, after DEL of the cached ones that are not. */
  gcNetworkList(list: NetworkList, valid: readonly CniAttachment[]): Promise<void>;
  statusNetworkList(list: NetworkList): Promise<void>;
  /** Plugin type → the versions that it supports. */
  versions(list: NetworkList): Promise<ReadonlyMap<string, readonly string[]>>;
}
