import { chmodSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Propagation } from './mounts.ts';
import { bindMount, makeMountPoint, mountOverlay, mountTmpfs } from './mounts.ts';

/** One file or tree that is mounted into a new root directory, in the order of the list. */
export interface TreeMount {
  readonly source: string;
  readonly target: string;
  readonly readonly?: boolean;
  readonly propagation?: Propagation;
}

/** What a new root directory is made of. The caller's own /usr and the like show through, read-only or as overlays. */
export interface RootTree {
  /** An existing directory to build on; what is in it is hidden for as long as the tree lives. */
  readonly scratch: string;
  /** Directory whose content becomes /etc; changes to /etc stay in this tree. */
  readonly etc: string;
  /** Whether /usr takes changes, which stay in this tree. */
  readonly writableUsr: boolean;
  /** Empty directories to be made, absolute paths. */
  readonly directories: readonly string[];
  /** Small text files: absolute path → content. */
  readonly files: Readonly<Record<string, string>>;
  readonly mounts: readonly TreeMount[];
  /** tmpfs(5) options of the tree itself, such as a size limit. */
  readonly tmpfsOptions?: string;
}

/** Top-level names that hold the programs of a distribution; symbolic links on merged-/usr systems. */
const PROGRAM_DIRECTORIES = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/**
 * Assembles `tree` in memory and returns the directory to be entered with `enterRoot`. Must run in a mount namespace of
 * its own. Works without root in a user namespace.
 */
export function assembleRoot(tree: RootTree): string {
  const { scratch } = tree;
  mountTmpfs(scratch, tree.tmpfsOptions);
  const root = join(scratch, 'root');
  // Files go into the upper layers before these are mounted, because a directory of the real root's user could not be
  // written to afterwards.
  const upper = { usr: join(scratch, 'usr'), etc: join(scratch, 'etc'), root };
  for (const directory of [...Object.values(upper), join(scratch, 'usr-work'), join(scratch, 'etc-work')])
    mkdirSync(directory);
  for (const path of tree.directories) mkdirSync(layered(upper, tree, path), { recursive: true });
  for (const [path, content] of Object.entries(tree.files)) {
    const file = layered(upper, tree, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  for (const { source, target } of tree.mounts) {
    const place = layered(upper, tree, target);
    // In a lower layer there may be something to mount on already, but an equal thing above it does no harm.
    if (place !== undefined) makeMountPoint(source, place);
  }
  for (const name of ['proc', 'sys', 'dev', 'run', 'tmp', 'usr', 'etc', 'var', 'var/tmp', 'root'])
    mkdirSync(join(root, name), { recursive: true });
  for (const name of ['tmp', 'var/tmp']) chmodSync(join(root, name), 0o1777);
  bindMount(root, root);
  for (const name of PROGRAM_DIRECTORIES) showPrograms(`/${name}`, join(root, name));
  if (tree.writableUsr) mountOverlay('/usr', upper.usr, join(scratch, 'usr-work'), join(root, 'usr'));
  else bindMount('/usr', join(root, 'usr'), { readonly: true });
  mountOverlay(tree.etc, upper.etc, join(scratch, 'etc-work'), join(root, 'etc'));
  for (const { source, target, ...options } of tree.mounts) {
    makeMountPoint(source, join(root, target));
    bindMount(source, join(root, target), options);
  }
  return root;
}

/** Where the content of `path` must be put so that it shows at `path` in the finished tree. */
function layered(
  upper: Readonly<Record<'usr' | 'etc' | 'root', string>>,
  tree: Pick<RootTree, 'writableUsr'>,
  path: string,
): string {
  if (path.startsWith('/etc/')) return join(upper.etc, path.slice('/etc/'.length));
  if (tree.writableUsr && path.startsWith('/usr/')) return join(upper.usr, path.slice('/usr/'.length));
  return join(upper.root, path);
}

function showPrograms(source: string, target: string): void {
  const stat = lstatSync(source, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isSymbolicLink()) {
    symlinkSync(readlinkSync(source), target);
    return;
  }
  mkdirSync(target);
  bindMount(source, target, { readonly: true });
}
