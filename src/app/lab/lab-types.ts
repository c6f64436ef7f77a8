/** How pods of different nodes can reach each other. */
export const LAB_BACKENDS = ['vxlan', 'host-gw', 'cross-subnet', 'ipip', 'udp', 'ovs', 'macvlan', 'none'] as const;
/** One of {@link LAB_BACKENDS}. */
export type LabBackend = (typeof LAB_BACKENDS)[number];

/** Which address families pods and Services get. */
export type LabIpFamily = 'ipv4' | 'ipv6' | 'dual';

/** A validated request for a cluster; {@link validateLabOptions} makes it from what the user typed. */
export interface LabOptions {
  readonly name: string;
  readonly nodes: number;
  readonly backend: LabBackend;
  readonly ipFamily: LabIpFamily;
  /** One CIDR per family of `ipFamily`, IPv4 first. */
  readonly podCidrs: readonly string[];
  /** One CIDR per family of `ipFamily`, IPv4 first. */
  readonly serviceCidrs: readonly string[];
  /** TCP port of the API server on 127.0.0.1; 0 takes any free one. */
  readonly apiPort: number;
}

/** What keeps a request from becoming a cluster: the option at fault, in the CLI's spelling, and what to do about it. */
export interface LabProblem {
  readonly option: string;
  readonly message: string;
}

/** What starting, finding or asking a cluster can come to, besides a cluster. */
export type LabErrorCode =
  'invalid-options' | 'already-running' | 'not-running' | 'unsupported-machine' | 'start-failed' | 'control-failed';

/** Where a cluster keeps its files; everything below `runDir` dies with the cluster, `stateDir` survives. */
export interface LabPaths {
  readonly name: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly kubeconfig: string;
  readonly storeDb: string;
  readonly supervisorLog: string;
  readonly supervisorPid: string;
  readonly apiSocket: string;
  readonly controlSocket: string;
}

/** A step of starting up, for progress output; `milliseconds` counts from the start of the supervisor. */
export interface LabPhase {
  readonly name: string;
  readonly milliseconds: number;
}

/** One node as the lab sees it; pids are in the host's numbering. */
export interface LabNode {
  readonly name: string;
  readonly segment: 'a' | 'b';
  readonly addresses: readonly string[];
  readonly state: 'starting' | 'running' | 'stopped';
  /** The kubelet, which is pid 1 of the node: killing it is a node crash. */
  readonly kubeletPid?: number;
  readonly ready: boolean;
}

/** A running cluster as its supervisor sees it; `phases` and `startedAt` (RFC 3339) are of its start. */
export interface LabStatus {
  readonly name: string;
  readonly supervisorPid: number;
  readonly server: string;
  readonly kubeconfig: string;
  readonly options: LabOptions;
  readonly nodes: readonly LabNode[];
  readonly phases: readonly LabPhase[];
  readonly startedAt: string;
}

/** A running pod's place: `netns` can be opened by the supervisor's user on the host while the pod lives. */
export interface LabPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  readonly hostNetwork: boolean;
  readonly ips: readonly string[];
  readonly netns: string;
  /** The process that holds the pod's namespaces; pids are in the host's numbering, null for what does not run. */
  readonly sandboxPid: number | null;
  readonly containers: readonly { readonly name: string; readonly pid: number | null; readonly restarts: number }[];
}

/** A network namespace of the lab that can be probed from or executed in. */
export type LabPlace =
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'outside' }
  | { readonly kind: 'router' };

/** One real connection to try between two places of the lab; ICMP ignores `port`. */
export interface LabAttempt {
  readonly from: LabPlace;
  readonly to: LabPlace;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  /** One of the destination's addresses. */
  readonly address: string;
  readonly port: number;
  /** Where the packets are sent when that differs, such as a Service's address and port. */
  readonly via?: { readonly address: string; readonly port: number };
  /** Silence is what is expected, and need not be confirmed. */
  readonly expectSilence?: boolean;
}

/** What became of an attempt; a reset from the destination is as good a proof of passage as an answer. */
export interface LabAttemptResult {
  readonly verdict: 'allowed' | 'denied' | 'error';
  readonly evidence: string;
  readonly elapsedMs?: number;
  readonly message?: string;
}

/** Requests over `control.sock`: one JSON object per line, answered in order by one {@link ControlReply} line each. */
export type ControlRequest =
  | { readonly op: 'ping' }
  | { readonly op: 'status' }
  | { readonly op: 'pods' }
  /** Real packets, all attempts side by side; results in the order of `attempts`. */
  | { readonly op: 'probe'; readonly attempts: readonly LabAttempt[]; readonly timeoutMs?: number }
  /** GET of `path` (default `/status`) at the agent of a node. */
  | { readonly op: 'agent-status'; readonly node: string; readonly path?: string }
  /** Runs a host program in a network namespace of the lab (for a pod: its network with the node's files). */
  | { readonly op: 'exec'; readonly at: LabPlace; readonly command: readonly string[]; readonly stdin?: string }
  /** Starts a node again after a crash or `kill-node`. */
  | { readonly op: 'start-node'; readonly node: string }
  /** SIGKILL to the node's init: everything on the node is gone at once, as in a power cut. */
  | { readonly op: 'kill-node'; readonly node: string }
  | { readonly op: 'stop' };

/** What each {@link ControlRequest} is answered with, by its `op`. */
export interface ControlReplies {
  readonly ping: true;
  readonly status: LabStatus;
  readonly pods: readonly LabPod[];
  readonly probe: readonly LabAttemptResult[];
  readonly 'agent-status': unknown;
  readonly exec: { readonly code: number; readonly stdout: string; readonly stderr: string };
  readonly 'start-node': LabNode;
  readonly 'kill-node': LabNode;
  readonly stop: true;
}

/** A line of answer: one of {@link ControlReplies}, or the error that the supervisor threw. */
export type ControlReply =
  { readonly ok: unknown } | { readonly error: { readonly code: string; readonly message: string } };

/** A running cluster, as a client on the same machine holds it. */
export interface RunningLab {
  readonly paths: LabPaths;
  /** Asks the supervisor. Throws `SluiceError` with code `control-failed` or `not-running`. */
  request<R extends ControlRequest>(request: R): Promise<ControlReplies[R['op']]>;
}
