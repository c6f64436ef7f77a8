import { expect, it } from 'vitest';
import { serviceMode } from './service-mode.ts';

const read = (env: Record<string, string>) => {
  const problems: string[] = [];
  return { mode: serviceMode(env, problems), problems };
};

it('leaves Services to the packet filter unless asked', () => {
  expect(read({})).toEqual({ mode: { mode: 'nftables' }, problems: [] });
  expect(read({ SLUICE_SERVICE_MODE: '', SLUICE_IPVS_SCHEDULER: '' }).problems).toEqual([]);
});

it.each(['rr', 'wrr', 'lc', 'sh', 'mh'])('takes scheduler %s', (scheduler) => {
  const env = { SLUICE_SERVICE_MODE: 'ipvs', SLUICE_IPVS_SCHEDULER: scheduler };
  expect(read(env)).toEqual({ mode: { mode: 'ipvs', scheduler }, problems: [] });
});

it.each([
  [
    { SLUICE_SERVICE_MODE: 'iptables' },
    "SLUICE_SERVICE_MODE (service_mode) is 'iptables', must be one of nftables, ipvs",
  ],
  [
    { SLUICE_SERVICE_MODE: 'ipvs', SLUICE_IPVS_SCHEDULER: 'rrr' },
    "SLUICE_IPVS_SCHEDULER (ipvs_scheduler) is 'rrr', must be one of rr, wrr, lc, sh, mh",
  ],
  [{ SLUICE_SERVICE_MODE: 'ipvs', SLUICE_BACKEND: 'macvlan' }, 'macvlan'],
  [{ SLUICE_SERVICE_MODE: 'ipvs', SLUICE_NETWORKING: 'policy-only' }, 'policy-only'],
])('refuses %j', (env, problem) => {
  expect(read(env as unknown as Record<string, string>).problems).toEqual([expect.stringContaining(problem)]);
});
