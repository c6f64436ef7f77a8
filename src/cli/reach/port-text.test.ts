import { expect, it } from 'vitest';
import type { PortRecord } from './graph.ts';
import { portsText } from './port-text.ts';

const tcp = (from: number, to = from): PortRecord => ({ protocol: 'TCP', from, to });
const rest: readonly PortRecord[] = [
  { protocol: 'UDP', from: 1, to: 65_535 },
  { protocol: 'SCTP', from: 1, to: 65_535 },
  { protocol: 'ICMP' },
  { protocol: 'other', from: 0, to: 255 },
];

it.each<[readonly PortRecord[], string]>([
  [[tcp(80)], 'TCP 80'],
  [[tcp(80), tcp(8080, 8090)], 'TCP 80, 8080-8090'],
  [[tcp(1, 65_535)], 'TCP'],
  [[tcp(1, 65_535), ...rest], 'all traffic'],
  [[tcp(1, 79), tcp(81, 65_535), ...rest], 'all traffic but TCP 80'],
  [[tcp(1, 65_534), ...rest], 'all traffic but TCP 65535'],
  [[...rest], 'UDP; SCTP; ICMP; other protocols'],
  [
    [
      { protocol: 'ICMP', type: 8 },
      { protocol: 'ICMP', type: 3, code: 4 },
    ],
    'ICMP type 8, type 3 code 4',
  ],
  [[tcp(80), { ...tcp(443), family: 'IPv6' }], 'TCP 80; TCP 443 (IPv6 only)'],
  [[{ protocol: 'other', from: 47, to: 47 }], 'other protocols 47'],
])('%j reads %s', (ports, text) => {
  expect(portsText(ports)).toBe(text);
});
