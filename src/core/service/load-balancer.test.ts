import { expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { addressDemand, satisfies } from './load-balancer.ts';

it.each([
  ['its name', '["p2"]', true],
  ['its range', '["203.0.113.0/30"]', true],
  ['another name', '["p1"]', false],
  ['another range', '["198.51.100.0/30"]', false],
  ['one of several', '["p1", "203.0.113.0/30"]', true],
])('an address stays while its pool is named by %s', (_, pools, stays) => {
  const demand = addressDemand({
    metadata: { annotations: { 'projectcalico.org/ipv4pools': pools } },
    spec: { type: 'LoadBalancer', ipFamilies: ['IPv4'] },
  });
  if (demand?.kind !== 'demand') throw new Error('it asks for an address');
  expect(satisfies(demand, [{ ip: parseIp('203.0.113.2')!, pool: 'p2' }])).toBe(stays);
});
