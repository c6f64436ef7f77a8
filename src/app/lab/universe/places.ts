/**
 * Fixed paths inside the universe. The universe's root directory is built in memory; what it needs of the host is
 * mounted below `/sluice`.
 */
export const PLACES = {
  /** Everything of the lab's own. */
  own: '/sluice',
  /** The cluster's `runDir`: api.sock, kubelet sockets. */
  run: '/sluice/run',
  /** The cluster's `stateDir/nodes`. */
  nodes: '/sluice/nodes',
  /** The /etc that nodes and containers start from. */
  etc: '/sluice/etc',
  /** busybox under each of its names, for images that are built on it. */
  busybox: '/sluice/busybox',
  /** Node's compile cache, shared by every process of every cluster of this user. */
  cache: '/sluice/cache',
  /** An empty directory on which a new root directory is assembled. */
  scratch: '/sluice/scratch',
} as const;
