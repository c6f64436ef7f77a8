import { expect, it } from 'vitest';
import { MAX_NODES, nodePlaces } from './topology.ts';

it('puts the last third of the nodes on the second segment', () => {
  expect(nodePlaces(3).map(({ name, segment, ipv4 }) => [name, segment, ipv4])).toEqual([
    ['node-1', 'a', '172.30.1.11'],
    ['node-2', 'a', '172.30.1.12'],
    ['node-3', 'b', '172.30.2.11'],
  ]);
  expect(nodePlaces(3, '', 'one-segment').every(({ segment }) => segment === 'a')).toBe(true);
  expect(nodePlaces(2).every(({ segment }) => segment === 'a')).toBe(true);
});

it('gives every node an address of its own, up to the largest cluster', () => {
  const places = nodePlaces(MAX_NODES, 'big-');
  for (const family of ['ipv4', 'ipv6'] as const)
    expect(new Set(places.map((place) => place[family])).size).toBe(MAX_NODES);
  expect(places.every(({ ipv4 }) => Number(ipv4.split('.')[3]) < 255)).toBe(true);
});
