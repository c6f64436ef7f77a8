import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Container } from 'kubernetes-types/core/v1.d.ts';
import { SluiceError } from '../../../../base/errors.ts';
import type { Propagation } from '../../../../host/container/mounts.ts';
import { enterRoot, mountSys } from '../../../../host/container/mounts.ts';
import type { TreeMount } from '../../../../host/container/root-tree.ts';
import { assembleRoot } from '../../../../host/container/root-tree.ts';
import type { ImageProgram } from '../../images/image.ts';
import { PLACES } from '../../universe/places.ts';
import { expand } from './expand.ts';

/** What a container's file system shows. All paths are the node's. */
export interface ContainerFiles {
  readonly image: ImageProgram;
  /** Files of the pod that replace those of /etc. */
  readonly etc: Readonly<Record<'hosts' | 'hostname' | 'resolv.conf', string>>;
  readonly volumes: readonly TreeMount[];
  readonly terminationLog: { readonly source: string; readonly target: string };
  readonly repository: string;
  readonly node: string;
  readonly workingDir: string;
}

/** Replaces the root directory of this (new) mount namespace by the container's. */
export function enterContainerRoot(files: ContainerFiles): void {
  const { image, etc, repository, node } = files;
  const checkout: readonly TreeMount[] = image.needsCheckout
    ? [
        { source: repository, target: repository, readonly: true },
        ...(node.startsWith(`${repository}/`) || node.startsWith('/usr/')
          ? []
          : [{ source: node, target: node, readonly: true }]),
        { source: PLACES.cache, target: PLACES.cache },
      ]
    : [];
  const root = assembleRoot({
    scratch: PLACES.scratch,
    etc: PLACES.etc,
    writableUsr: true,
    directories: [...image.directories, '/var/log', '/var/cache', '/var/lib', '/mnt', '/srv', '/home', '/opt'],
    files: image.files,
    mounts: [
      { source: '/dev', target: '/dev' },
      // The new /proc goes on top; without root the kernel allows one only where another is in sight.
      { source: '/proc', target: '/proc' },
      { source: PLACES.busybox, target: PLACES.busybox, readonly: true },
      ...checkout,
      ...Object.entries(etc).map(([name, source]) => ({ source, target: `/etc/${name}` })),
      files.terminationLog,
      ...files.volumes,
    ],
  });
  mountSys(join(root, 'sys'), { readonly: true });
  const workingDir = join(root, files.workingDir);
  if (!existsSync(workingDir)) mkdirSync(workingDir, { recursive: true });
  enterRoot(root);
}

const PROPAGATIONS: Readonly<Record<string, Propagation>> = {
  None: 'private',
  HostToContainer: 'slave',
  Bidirectional: 'shared',
};

/** The mounts of a container's `volumeMounts`, outer ones first. Throws `config-missing` for a volume that is not there. */
export function volumeMounts(
  container: Container,
  volumes: ReadonlyMap<string, string>,
  env: Readonly<Record<string, string>>,
): readonly TreeMount[] {
  const mounts = (container.volumeMounts ?? []).map((mount): TreeMount => {
    const base = volumes.get(mount.name);
    if (base === undefined) throw new SluiceError('config-missing', `volume "${mount.name}" is not defined`);
    const subPath = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, env);
    const source = subPath ? join(base, subPath) : base;
    if (!existsSync(source)) mkdirSync(source, { recursive: true });
    return {
      source,
      target: mount.mountPath,
      readonly: mount.readOnly ?? false,
      propagation: PROPAGATIONS[mount.mountPropagation ?? 'None'] ?? 'private',
    };
  });
  return mounts.sort((a, b) => a.target.split('/').length - b.target.split('/').length);
}
