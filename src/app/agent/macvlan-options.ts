import { MACVLAN_MODES } from '../../core/routing/index.ts';
import type { MacvlanMode } from '../../core/routing/index.ts';
import type { Environment } from './run-dir.ts';

/** How pods are attached to their node's own layer 2. */
export interface MacvlanOptions {
  /** Absent: the device with the node's address. */
  readonly master?: string;
  readonly mode: MacvlanMode;
}

/** What ConfigMap `sluice-config` says of it; nothing with another backend. What is wrong is added to `problems`. */
export function macvlanOptions(env: Environment, problems: string[]): { readonly macvlan?: MacvlanOptions } {
  const master = env['SLUICE_MACVLAN_MASTER'] ?? '';
  // IFNAMSIZ, less the final NUL (linux/if.h).
  if (master.length > 15 || /[\s/]/.test(master))
    problems.push(`SLUICE_MACVLAN_MASTER (macvlan_master) is '${master}', must be the name of a network device`);
  const text = env['SLUICE_MACVLAN_MODE'] || 'bridge';
  const mode = MACVLAN_MODES.find((each) => each === text);
  if (mode === undefined)
    problems.push(`SLUICE_MACVLAN_MODE (macvlan_mode) is '${text}', must be one of ${MACVLAN_MODES.join(', ')}`);
  if (mode === undefined || env['SLUICE_BACKEND'] !== 'macvlan') return {};
  return { macvlan: { mode, ...(master === '' ? {} : { master }) } };
}
