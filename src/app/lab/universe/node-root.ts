import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bindMount, enterRoot, mountSys, mountTmpfs, setPropagation } from '../../../host/container/mounts.ts';
import { assembleRoot } from '../../../host/container/root-tree.ts';
import { PLACES } from './places.ts';

/** The files of one node. */
export interface NodeRoot {
  readonly name: string;
  readonly repository: string;
  readonly node: string;
}

/**
 * Replaces the root directory of this (new) mount namespace by that of a node: /run, /tmp and /etc of its own, /var/lib
 * kept on disk across crashes. Must run in the node's network namespace, which its /sys belongs to.
 */
export function enterNodeRoot(spec: NodeRoot): void {
  setPropagation('/', 'private');
  const varLib = join(PLACES.nodes, spec.name, 'var-lib');
  mkdirSync(varLib, { recursive: true });
  const own = [PLACES.run, PLACES.cache, PLACES.etc, PLACES.busybox, join(PLACES.nodes, spec.name)];
  const root = assembleRoot({
    scratch: PLACES.scratch,
    etc: PLACES.etc,
    writableUsr: false,
    directories: [
      '/var/lib',
      '/var/log/pods',
      '/opt/cni/bin',
      '/etc/cni/net.d',
      '/mnt',
      '/srv',
      '/home',
      PLACES.scratch,
    ],
    files: { '/etc/hostname': `${spec.name}\n` },
    mounts: [
      { source: '/dev', target: '/dev' },
      { source: '/proc', target: '/proc' },
      ...own.map((path) => ({ source: path, target: path })),
      { source: spec.repository, target: spec.repository, readonly: true },
      ...(spec.node.startsWith(`${spec.repository}/`) || spec.node.startsWith('/usr/')
        ? []
        : [{ source: spec.node, target: spec.node, readonly: true }]),
      { source: varLib, target: '/var/lib' },
    ],
  });
  mountSys(join(root, 'sys'), { readonly: false });
  mountTmpfs(join(root, 'run'));
  // Network namespaces are mounted below /run at any time, and pods that asked for it must see them come and go.
  setPropagation(join(root, 'run'), 'shared');
  bindMount(join(root, 'opt'), join(root, 'opt'), { propagation: 'shared' });
  enterRoot(root);
}
