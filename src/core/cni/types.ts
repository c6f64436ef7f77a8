/** The verbs of CNI specification 1.1.0, §2. */
export type CniCommand = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' | 'VERSION';

/** The specification versions that the plugin speaks, oldest first. */
export const CNI_VERSIONS = ['0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;
/** One of {@link CNI_VERSIONS}. */
export type CniVersion = (typeof CNI_VERSIONS)[number];

/** A network interface in a result; without `sandbox` it is on the host. */
export interface CniInterface {
  readonly name: string;
  readonly mac?: string;
  /** Since 1.1.0. */
  readonly mtu?: number;
  /** Path of the network namespace. */
  readonly sandbox?: string;
  /** Since 1.1.0. */
  readonly socketPath?: string;
  /** Since 1.1.0. */
  readonly pciID?: string;
}

/** An address in a result, with its prefix length (`10.244.1.5/32`). */
export interface CniIp {
  readonly address: string;
  readonly gateway?: string;
  /** Index into the result's `interfaces`. */
  readonly interface?: number;
}

/** A route in a result; everything but `dst` and `gw` came with 1.1.0. */
export interface CniRoute {
  readonly dst: string;
  readonly gw?: string;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  readonly scope?: number;
}

/** Name resolution for the container, as the runtime should write it to resolv.conf. */
export interface CniDns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

/** The outcome of ADD in the newest version's terms; `formatResult()` writes it as the caller's version wants it. */
export interface CniResult {
  readonly interfaces: readonly CniInterface[];
  readonly ips: readonly CniIp[];
  readonly routes?: readonly CniRoute[];
  readonly dns?: CniDns;
}

/** One container attachment, as GC names those that are still valid. */
export interface CniAttachment {
  readonly containerID: string;
  readonly ifname: string;
}

/** A network configuration after validation: the specification's keys, ours, and everything else untouched in `raw`. */
export interface NetConf {
  readonly cniVersion: CniVersion;
  readonly name: string;
  readonly type: string;
  /** What the plugins before us in the chain did, or (for CHECK and DEL) what ADD had returned. */
  readonly prevResult?: CniResult;
  /** From capabilities, e.g. `{ portMappings: [...] }`. */
  readonly runtimeConfig?: Readonly<Record<string, unknown>>;
  /** The key `cni.dev/valid-attachments`, present for GC. */
  readonly validAttachments?: readonly CniAttachment[];
  /** MTU of the pod's interface; 0 or absent: what the agent found for the node. */
  readonly mtu?: number;
  /** Key `agent_socket`: where the agent listens. */
  readonly agentSocket: string;
  /** Key `pending_del_dir`: where DEL leaves a note when the agent is down. */
  readonly pendingDelDir: string;
  /** Key `timeout_seconds`: how long to wait for the agent's answer. */
  readonly timeoutSeconds: number;
  readonly raw: Readonly<Record<string, unknown>>;
}

/** The CNI_ARGS that Kubernetes runtimes set. */
export interface KubernetesArgs {
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
}
