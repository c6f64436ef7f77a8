import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import type { OvsSockets } from './ovs-tunnels.ts';

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';
const [TOOL, SERVER, SWITCH] = ['/usr/bin/ovsdb-tool', '/usr/sbin/ovsdb-server', '/usr/sbin/ovs-vswitchd'];

/**
 * Starts a database and a switch of our own in `folder`, for nodes that have none, in the present network namespace or
 * behind `command`. The database begins empty: what should be in it is known. `onEnd` hears when one of them is no more.
 * Throws `not-found` where Open vSwitch is not installed.
 */
export function startOvs(options: {
  readonly folder: string;
  readonly command?: readonly string[];
  readonly onEnd: () => void;
}): AsyncDisposable & { readonly sockets: OvsSockets } {
  const { folder, command = [], onEnd } = options;
  const missing = [TOOL, SERVER, SWITCH, SCHEMA].find((path) => !existsSync(path!));
  if (missing !== undefined)
    throw new SluiceError(
      'not-found',
      `the ovs backend needs Open vSwitch, and ${missing} is not there (Debian: openvswitch-switch)`,
    );
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const database = join(folder, 'db.sock');
  const file = join(folder, 'conf.db');
  const env = { ...process.env, OVS_RUNDIR: folder, OVS_LOGDIR: folder, OVS_DBDIR: folder, OVS_SYSCONFDIR: folder };
  const created = spawnSync(TOOL!, ['create', file, SCHEMA], { env, encoding: 'utf8' });
  if (created.status !== 0) throw new SluiceError('failed', `ovsdb-tool: ${created.stderr}`);
  let ending = false;
  const start = (program: string, ...args: readonly string[]): ChildProcess => {
    const [first, ...rest] = [...command, program, ...args, '--no-chdir', '-vconsole:off'];
    const child = spawn(first!, rest, { env, stdio: 'ignore' });
    child.once('exit', () => ending || onEnd());
    child.once('error', () => ending || onEnd());
    return child;
  };
  // The switch waits for the database.
  const children = [start(SERVER!, file, `--remote=punix:${database}`), start(SWITCH!, `unix:${database}`)];
  return {
    sockets: { database, folder },
    async [Symbol.asyncDispose]() {
      ending = true;
      for (const child of children.toReversed()) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = once(child, 'exit');
        child.kill();
        await ended;
      }
    },
  };
}
