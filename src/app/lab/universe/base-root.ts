import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readlinkSync, symlinkSync, chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  bindMount,
  enterRoot,
  makeMountPoint,
  mountProc,
  mountPts,
  mountSys,
  mountTmpfs,
} from '../../../host/container/mounts.ts';
import { linkApplets } from './applets.ts';
import { writeEtc } from './etc.ts';
import { PLACES } from './places.ts';

/** What of the host the universe is to see. */
export interface HostShare {
  /** An existing, empty directory of the host to assemble the universe's root on. */
  readonly scratch: string;
  readonly runDir: string;
  /** `stateDir/nodes`. */
  readonly nodesDir: string;
  readonly cacheDir: string;
  /** The checkout, visible at its own path. */
  readonly repository: string;
  /** The node executable. */
  readonly node: string;
  /** Host path of a static busybox and the names it answers to. */
  readonly busybox: { readonly path: string; readonly applets: readonly string[] };
}

/** Device files of a container, as the Open Container Initiative's runtime specification lists them, and TUN. */
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'net/tun'];
const PROGRAM_DIRECTORIES = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/**
 * Replaces the root directory of this (new) mount namespace by one in memory that shows the host's programs read-only,
 * the checkout, and the cluster's own directories; nothing else of the host.
 */
export function enterBaseRoot(share: HostShare): void {
  const root = share.scratch;
  mountTmpfs(root);
  const at = (path: string): string => join(root, path);
  for (const path of ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'var/lib', 'var/log', 'mnt', PLACES.scratch])
    mkdirSync(at(path), { recursive: true });
  chmodSync(at('tmp'), 0o1777);
  for (const name of PROGRAM_DIRECTORIES) showDirectory(`/${name}`, at(name));
  for (const path of [share.repository, share.node]) {
    if (existsSync(at(path))) continue;
    makeMountPoint(path, at(path));
    bindMount(path, at(path), { readonly: true });
  }
  for (const [source, target] of [
    [share.runDir, PLACES.run],
    [share.nodesDir, PLACES.nodes],
    [share.cacheDir, PLACES.cache],
  ] as const) {
    mkdirSync(at(target), { recursive: true });
    bindMount(source, at(target));
  }
  writeEtc(at(PLACES.etc));
  symlinkSync(PLACES.etc, at('etc'));
  linkApplets(at(PLACES.busybox), share.busybox, PLACES.busybox);
  makeDevices(at('dev'));
  mountProc(at('proc'));
  mountSys(at('sys'), { readonly: false });
  enterRoot(root);
}

function showDirectory(source: string, target: string): void {
  const stat = lstatSync(source, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isSymbolicLink()) return symlinkSync(readlinkSync(source), target);
  mkdirSync(target);
  bindMount(source, target, { readonly: true });
}

function makeDevices(dev: string): void {
  mountTmpfs(dev);
  for (const name of DEVICES) {
    const source = join('/dev', name);
    if (!existsSync(source)) continue;
    const target = join(dev, name);
    mkdirSync(dirname(target), { recursive: true });
    closeSync(openSync(target, 'a'));
    bindMount(source, target);
  }
  for (const name of ['pts', 'shm']) mkdirSync(join(dev, name));
  chmodSync(join(dev, 'shm'), 0o1777);
  mountPts(join(dev, 'pts'));
  symlinkSync('pts/ptmx', join(dev, 'ptmx'));
  for (const [name, target] of [
    ['fd', '/proc/self/fd'],
    ['stdin', '/proc/self/fd/0'],
    ['stdout', '/proc/self/fd/1'],
    ['stderr', '/proc/self/fd/2'],
  ] as const)
    symlinkSync(target, join(dev, name));
}
