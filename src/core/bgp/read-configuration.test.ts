import { expect, it } from 'vitest';
import { readConfiguration } from './index.ts';

const problems = (spec: object): readonly string[] =>
  readConfiguration({ metadata: { name: 'default' }, spec }).issues.map(
    ({ object, message }) => `${object} ${message}`,
  );

it('names what a BGPConfiguration asks for that nobody does, and follows the rest', () => {
  expect(
    problems({ localWorkloadPeeringIPV4: '169.254.0.179', localWorkloadPeeringIPV6: '', asNumber: 64_513 }),
  ).toEqual([
    'BGPConfiguration/default spec.localWorkloadPeeringIPV4: is not supported: nodes have no BGP sessions with pods',
  ]);
  const { value } = readConfiguration({ spec: { programClusterRoutes: 'Disabled', asNumber: 64_513 } });
  expect(value?.asNumber).toBe(64_513);
});

it.each([
  ['Enabled', 0],
  ['EnabledNoEncapOnly', 0],
  ['EnabledIPIPOnly', 1],
  ['Disabled', 1],
  [7, 1],
])('takes a programClusterRoutes that says what is done anyway, and reports others: %s', (value, count) => {
  expect(problems({ programClusterRoutes: value })).toHaveLength(count);
});
