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
 * Where the cluster `name` lives. Sockets are kept apart from the state because their paths are limited to 107 bytes
 * (`sun_path` in unix(7)).
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

/** The kubelet's socket of a node, where the API server sends exec, attach, logs and port-forward. */
export function kubeletSocket(runDir: string, node: string): string {
  return join(runDir, 'nodes', node, 'kubelet.sock');
}

function runBase({ env, uid }: PathEnvironment): string {
  // Two homes may hold clusters of one name; a cluster under a home of its own keeps its sockets there too.
  if (env['SLUICE_RUN_DIR']) return env['SLUICE_RUN_DIR'];
  if (uid === 0) return '/run/sluice';
  return join(env['XDG_RUNTIME_DIR'] || `/tmp/sluice-${uid}`, 'sluice');
}
