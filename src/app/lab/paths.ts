import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { LabPaths } from './lab-types.ts';

/** What the location of a cluster depends on; `process.env` and `process.getuid()` fit. */
export interface PathEnvironment {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
}

/** `$SLUICE_HOME`, by default `$XDG_STATE_HOME/sluice` or `~/.local/state/sluice`. */
export function sluiceHome({ env }: PathEnvironment): string {
  if (env['SLUICE_HOME']) return env['SLUICE_HOME'];
  const state = env['XDG_STATE_HOME'] || join(env['HOME'] || '/root', '.local', 'state');
  return join(state, 'sluice');
}

/**
 * Where the cluster `name` lives. Sockets are kept apart from the state because their paths must be short, see
 * {@link LONGEST_SOCKET_PATH}.
 */
export function labPaths(name: string, environment: PathEnvironment): LabPaths {
  const stateDir = join(sluiceHome(environment), 'clusters', name);
  const runDir = join(runBase(environment), name);
  return {
    name,
    stateDir,
    runDir,
    kubeconfig: join(stateDir, 'kubeconfig'),
    storeDb: join(stateDir, 'store.db'),
    supervisorLog: join(stateDir, 'supervisor.log'),
    supervisorPid: join(stateDir, 'supervisor.pid'),
    apiSocket: join(runDir, 'api.sock'),
    controlSocket: join(runDir, 'control.sock'),
  };
}

/** Longest path of a unix socket, bytes, without the zero at its end (`sun_path` in unix(7)). */
export const LONGEST_SOCKET_PATH = 107;

/** The kubelet's socket of a node, where the API server sends exec, attach, logs and port-forward. */
export function kubeletSocket(runDir: string, node: string): string {
  return join(runDir, 'nodes', node, 'kubelet.sock');
}

function runBase({ env, uid }: PathEnvironment): string {
  if (env['SLUICE_RUN_DIR']) return env['SLUICE_RUN_DIR'];
  const base = uid === 0 ? '/run/sluice' : join(env['XDG_RUNTIME_DIR'] || `/tmp/sluice-${uid}`, 'sluice');
  // Two homes may hold clusters of one name, which must not share their sockets.
  const home = env['SLUICE_HOME'];
  return home ? join(base, `h-${createHash('sha256').update(home).digest('hex').slice(0, 8)}`) : base;
}
