import type { Logger } from '../../base/log.ts';
import type { PathEnvironment } from './paths.ts';
import type { LabOptions, LabPhase, LabStatus, RunningLab } from './lab-types.ts';

export interface StartLabDependencies extends PathEnvironment {
  readonly log: Logger;
  /** Called as the start proceeds. */
  readonly onPhase?: (phase: LabPhase) => void;
  readonly signal?: AbortSignal;
}

/**
 * Starts the supervisor of a new cluster detached from this process and resolves when every node is Ready. Throws
 * `SluiceError` with a `LabErrorCode`; a cluster that cannot become ready is taken down again.
 */
export async function startLab(_options: LabOptions, _dependencies: StartLabDependencies): Promise<LabStatus> {
  throw new Error('not yet');
}

/** Stops the cluster `name` and waits until nothing of it runs. Returns false when it was not running. */
export async function stopLab(_name: string, _environment: PathEnvironment): Promise<boolean> {
  throw new Error('not yet');
}

/** The cluster `name`, or undefined when it is not running; a stale socket or pid file counts as not running. */
export async function openLab(_name: string, _environment: PathEnvironment): Promise<RunningLab | undefined> {
  throw new Error('not yet');
}

/** The status of cluster `name`, or undefined when it is not running. */
export async function labStatus(name: string, environment: PathEnvironment): Promise<LabStatus | undefined> {
  return (await openLab(name, environment))?.request({ op: 'status' });
}

/** Names of all clusters that have state on this machine, running or not. */
export async function labNames(_environment: PathEnvironment): Promise<readonly string[]> {
  throw new Error('not yet');
}
