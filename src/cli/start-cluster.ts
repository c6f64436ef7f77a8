import process from 'node:process';
import { SluiceError } from '../base/errors.ts';
import { startLab } from '../app/lab/lab.ts';
import type { LabOptions, LabPhase, LabStatus } from '../app/lab/lab-types.ts';
import { validateLabOptions } from '../app/lab/options.ts';
import { preflight } from '../host/netlink/preflight.ts';
import type { Invocation, Values } from './command.ts';

/** The cluster that the user's options describe. Throws `invalid-options` with every mistake. */
export function labOptionsOf(values: Values): LabOptions {
  const validated = validateLabOptions(values);
  if (validated.kind === 'valid') return validated.options;
  const problems = validated.problems.map(({ option, message }) => `${option}: ${message}`);
  throw new SluiceError('invalid-options', problems.join('\n'));
}

/**
 * Starts a cluster. What this machine lacks is looked for at the same time, so that a start that cannot succeed ends at
 * once and says precisely why.
 */
export async function startCluster(
  options: LabOptions,
  { env, uid, signal }: Invocation,
  onPhase: (phase: LabPhase) => void,
): Promise<LabStatus> {
  const unsupported = new AbortController();
  const machine = { platform: process.platform, uid, backend: options.backend };
  const missing = preflight(machine, signal).catch(() => []);
  const check = missing.then((found) => {
    if (found.length > 0) unsupported.abort();
  });
  try {
    return await startLab(options, { env, uid, onPhase, signal: AbortSignal.any([signal, unsupported.signal]) });
  } catch (error) {
    const found = signal.aborted ? [] : await missing;
    if (found.length === 0) throw error;
    const lines = found.map(({ feature, options: remedies, reason }) => {
      const remedy = remedies.length === 0 ? '' : ` (${remedies.join(', ')})`;
      return `  ${feature}: ${reason}${remedy}`;
    });
    throw new SluiceError('unsupported-machine', `this machine cannot run a cluster:\n${lines.join('\n')}`, {}, error);
  } finally {
    await check;
  }
}
