/** What the supervisor tells a kubelet, as JSON in the environment variable `SLUICE_KUBELET`. */
export interface KubeletConfig {
  readonly nodeName: string;
  /** InternalIP addresses, primary family first. */
  readonly addresses: readonly string[];
  readonly segment: string;
  /** Unlike that of every other start of any node. */
  readonly bootId: string;
  /** `https://172.30.0.1:6443`. */
  readonly server: string;
  readonly ca: string;
  readonly token: string;
  /** Addresses of the cluster's DNS Service, primary family first. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The checkout and the node executable, visible at these paths on the node. */
  readonly repository: string;
  readonly node: string;
  readonly busybox: string;
  /** Directory with busybox under each of its names. */
  readonly applets: string;
  /** Unix socket for exec, attach, logs and port-forward. */
  readonly socket: string;
  /** Directories with CNI plugins that the lab lends to the node, linked into /opt/cni/bin. */
  readonly pluginSources: readonly string[];
  /** Reported as the kubelet's version. */
  readonly version: string;
}

/** Paths on a node, as kubelets have them. */
export const NODE_PATHS = {
  pods: '/var/lib/kubelet/pods',
  logs: '/var/log/pods',
  cniConf: '/etc/cni/net.d',
  cniBin: '/opt/cni/bin',
  cniCache: '/var/lib/cni',
  netns: '/run/netns',
} as const;
