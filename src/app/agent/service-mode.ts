import type { Environment } from './run-dir.ts';

/** The kernel's ways to choose a backend that Services can have: round robin, the same by weight, least connections, by source, Maglev. */
const SCHEDULERS = ['rr', 'wrr', 'lc', 'sh', 'mh'] as const;

/** What spreads the connections of Services on the node. */
export type ServiceMode =
  { readonly mode: 'nftables' } | { readonly mode: 'ipvs'; readonly scheduler: (typeof SCHEDULERS)[number] };

const MODES: readonly string[] = ['nftables', 'ipvs'];

/** Reads `service_mode` and `ipvs_scheduler` of the ConfigMap; what is wrong is added to `problems`. */
export function serviceMode(env: Environment, problems: string[]): ServiceMode {
  const mode = env['SLUICE_SERVICE_MODE'] || 'nftables';
  const asked = env['SLUICE_IPVS_SCHEDULER'] || 'rr';
  const scheduler = SCHEDULERS.find((each) => each === asked);
  if (!MODES.includes(mode))
    problems.push(`SLUICE_SERVICE_MODE (service_mode) is '${mode}', must be one of ${MODES.join(', ')}`);
  if (scheduler === undefined)
    problems.push(`SLUICE_IPVS_SCHEDULER (ipvs_scheduler) is '${asked}', must be one of ${SCHEDULERS.join(', ')}`);
  if (mode !== 'ipvs' || scheduler === undefined) return { mode: 'nftables' };
  if (env['SLUICE_NETWORKING'] === 'policy-only')
    problems.push('SLUICE_SERVICE_MODE (service_mode) is ipvs, but under networking policy-only Services are not ours');
  // There, each pod translates for itself, and IPVS is the node's.
  if (env['SLUICE_BACKEND'] === 'macvlan')
    problems.push('SLUICE_SERVICE_MODE (service_mode) ipvs does not serve pods of backend macvlan; use nftables there');
  return { mode, scheduler };
}
