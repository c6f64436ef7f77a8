import { expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { fakeProbe } from './fake.ts';
import type { ProbeEndpoint } from './port.ts';

it('answers for every attempt, in order', async () => {
  const endpoint = (id: string): ProbeEndpoint => ({ id, netns: id, addresses: [parseIp('10.0.0.1')!] });
  const [from, to] = [endpoint('a'), endpoint('b')];
  const attempt = { from, to, address: to.addresses[0]!, port: 80 };
  const results = await fakeProbe(({ protocol }) => protocol === 'tcp')([
    { ...attempt, protocol: 'tcp' },
    { ...attempt, protocol: 'udp' },
  ]);
  expect(results.map(({ verdict, evidence }) => `${verdict} ${evidence}`)).toEqual([
    'allowed connected',
    'denied silence',
  ]);
});
