import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SluiceError } from '../../base/errors.ts';
import type { OvsSockets } from './ovs-tunnels.ts';

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';
const TOOL = '/usr/bin/ovsdb-tool';
const SERVER = '/usr/sbin/ovsdb-server';
const SWITCH = '/usr/sbin/ovs-vswitchd';
/** Before a switch that has ended is started again, milliseconds. */
const PAUSE = 1000;

/** A database and a switch that run as long as this is not disposed. */
export interface OwnSwitch extends AsyncDisposable {
  readonly sockets: OvsSockets;
}

/**
 * Starts a database and a switch of our own in `folder`, for nodes that have none, in the present network namespace or
 * behind `command`, and again whenever one of them ends; `onEnd` hears of that. The database begins empty: what should be
 * in it is known. Throws `not-found` where Open vSwitch is not installed.
 */
export function startOvs(options: {
  readonly folder: string;
  readonly command?: readonly string[];
  readonly onEnd: () => void;
}): OwnSwitch {
  const { folder, command = [], onEnd } = options;
  const missing = [TOOL, SERVER, SWITCH, SCHEMA].find((path) => !existsSync(path));
  if (missing !== undefined)
    throw new SluiceError(
      'not-found',
      `backend ovs needs Open vSwitch, and ${missing} is not there (Debian: openvswitch-switch)`,
    );
  const stop = new AbortController();
  let children = launch(folder, command);
  const done = (async () => {
    for (;;) {
      await Promise.race([...children.map(ended), aborted(stop.signal)]);
      await endAll(children);
      if (stop.signal.aborted) return;
      onEnd();
      await pause(PAUSE, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) return;
      children = launch(folder, command);
    }
  })();
  return {
    sockets: { database: join(folder, 'db.sock'), folder },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}

function launch(folder: string, command: readonly string[]): readonly ChildProcess[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const database = join(folder, 'db.sock');
  const file = join(folder, 'conf.db');
  const env = { ...process.env, OVS_RUNDIR: folder, OVS_LOGDIR: folder, OVS_DBDIR: folder, OVS_SYSCONFDIR: folder };
  const created = spawnSync(TOOL, ['create', file, SCHEMA], { env, encoding: 'utf8' });
  if (created.status !== 0) throw new SluiceError('failed', `ovsdb-tool cannot make ${file}: ${created.stderr}`);
  // The switch waits for the database by itself.
  const programs = [
    [SERVER, file, `--remote=punix:${database}`],
    [SWITCH, `unix:${database}`],
  ];
  return programs.map((program) => {
    const [first, ...rest] = [...command, ...program, '--no-chdir', '-vconsole:off'];
    return spawn(first!, rest, { env, stdio: 'ignore' });
  });
}

async function endAll(children: readonly ChildProcess[]): Promise<void> {
  // The switch first: it lets go of its devices.
  for (const child of children.toReversed()) {
    const end = ended(child);
    child.kill();
    await end;
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  await once(child, 'exit');
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
