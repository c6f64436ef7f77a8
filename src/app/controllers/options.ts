import { SluiceError } from '../../base/errors.ts';
import { LOG_LEVELS, isLogLevel } from '../../base/log.ts';
import type { LogLevel } from '../../base/log.ts';

/** How `sluice controllers` works. */
export interface ControllersOptions {
  /** Who this process is in the leader election: the pod's name. */
  readonly identity: string;
  /** Where the Lease lives. */
  readonly namespace: string;
  readonly leaseName: string;
  /** The leader is replaced when it has not renewed its Lease for this long, in seconds. */
  readonly leaseSeconds: number;
  /** Time between two collections of leaked addresses, in milliseconds. */
  readonly collectEveryMs: number;
  /** An address younger than this is never taken for leaked, in milliseconds. */
  readonly graceMs: number;
  /** How long a released address rests before it is given out again, in milliseconds. */
  readonly coolDownMs: number;
  readonly logLevel: LogLevel;
}

/** The defaults that kube-controller-manager uses for its own Lease. */
const LEASE_SECONDS = 15;

/** Reads the environment of the controllers' container. Throws `invalid-options` with every mistake in one message. */
export function controllersOptions(env: Readonly<Record<string, string | undefined>>): ControllersOptions {
  const problems: string[] = [];
  const seconds = (name: string, usual: number): number => {
    const value = Number(env[name] ?? usual);
    if (!Number.isFinite(value) || value <= 0)
      problems.push(`${name} is '${env[name]}', must be a number of seconds above 0`);
    return value * 1000;
  };
  const logLevel = env['SLUICE_LOG_LEVEL'] ?? 'info';
  if (!isLogLevel(logLevel))
    problems.push(`SLUICE_LOG_LEVEL is '${logLevel}', must be one of ${LOG_LEVELS.join(', ')}`);
  const options: ControllersOptions = {
    identity: env['POD_NAME'] ?? env['HOSTNAME'] ?? 'sluice-controllers',
    namespace: env['POD_NAMESPACE'] ?? 'kube-system',
    leaseName: 'sluice-controllers',
    leaseSeconds: LEASE_SECONDS,
    collectEveryMs: seconds('SLUICE_COLLECT_SECONDS', 30),
    graceMs: seconds('SLUICE_COLLECT_GRACE_SECONDS', 60),
    coolDownMs: seconds('SLUICE_COOL_DOWN_SECONDS', 30),
    logLevel: logLevel as LogLevel,
  };
  if (problems.length > 0) throw new SluiceError('invalid-options', problems.join('; '));
  return options;
}
