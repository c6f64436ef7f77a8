import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intersect, subtract, union } from './int-set.ts';
import {
  ALL_PORTS,
  complementPorts,
  formatPorts,
  icmpPorts,
  includesTraffic,
  NO_PORTS,
  portEntries,
  portRange,
  portsOfEntries,
  protocolPorts,
} from './port-set.ts';
import type { PortSet, Traffic } from './port-set.ts';
import { PortTable } from './port-table.ts';

const port = fc.oneof(fc.constantFrom(1, 2, 80, 81, 65534, 65535), fc.integer({ min: 1, max: 65535 }));
const protocol = fc.constantFrom('TCP', 'UDP', 'SCTP');
const piece = fc.oneof(
  fc.tuple(protocol, port, port).map(([each, a, b]) => ({
    set: portRange(each, Math.min(a, b), Math.max(a, b)),
    holds: (traffic: Traffic) =>
      traffic.protocol === each && traffic.port! >= Math.min(a, b) && traffic.port! <= Math.max(a, b),
  })),
  fc.tuple(fc.nat(255), fc.option(fc.nat(255), { nil: undefined })).map(([type, code]) => ({
    set: icmpPorts(type, code),
    holds: ({ icmp }: Traffic) =>
      icmp !== undefined && icmp.type === type && (code === undefined || icmp.code === code),
  })),
  fc.nat(255).map((number) => ({
    set: protocolPorts(number, 4),
    holds: (traffic: Traffic) => numberOf(traffic) === number,
  })),
);
const pieces = fc.array(piece, { maxLength: 5 });
const traffic: fc.Arbitrary<Traffic> = fc.oneof(
  fc.record({ protocol, port }),
  fc.record({ protocol: fc.constant('ICMP' as const), icmp: fc.record({ type: fc.nat(255), code: fc.nat(255) }) }),
  fc
    .nat(255)
    .filter((number) => ![1, 6, 17, 58, 132].includes(number))
    .map((number): Traffic => ({ protocol: `${number}` })),
);

describe('sets of traffic, against predicates on single flows,', () => {
  it('hold the same flows after union, intersection, difference and complement', () => {
    fc.assert(
      fc.property(pieces, pieces, fc.array(traffic, { minLength: 1, maxLength: 8 }), (x, y, flows) => {
        const [a, b] = [setOf(x), setOf(y)];
        // Flows at the very edges of the pieces tell most.
        for (const flow of [...flows, ...[...x, ...y].flatMap(({ set }) => edgesOf(set))]) {
          const [inA, inB] = [x, y].map((list) => list.some(({ holds }) => holds(flow)));
          expect(includesTraffic(a, flow, 4)).toBe(inA);
          expect(includesTraffic(union(a, b), flow, 4)).toBe(inA! || inB!);
          expect(includesTraffic(intersect(a, b), flow, 4)).toBe(inA! && inB!);
          expect(includesTraffic(subtract(a, b), flow, 4)).toBe(inA! && !inB!);
          expect(includesTraffic(complementPorts(a), flow, 4)).toBe(!inA!);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('survive a round trip through entries, which are in canonical form', () => {
    fc.assert(
      fc.property(pieces, (list) => {
        const set = setOf(list);
        for (const each of [set, complementPorts(set)]) {
          expect(portsOfEntries(portEntries(each))).toEqual(each);
          expect(portEntries(portsOfEntries(portEntries(each).toReversed()))).toEqual(portEntries(each));
          expect(formatPorts(each)).not.toMatch(/undefined|NaN/);
        }
      }),
    );
  });

  it('have one number each in a table, and operations on numbers are those on sets', () => {
    fc.assert(
      fc.property(fc.array(pieces, { minLength: 1, maxLength: 5 }), (lists) => {
        const table = new PortTable();
        const sets = [...lists.map(setOf), NO_PORTS, ALL_PORTS];
        for (const a of sets)
          for (const b of sets) {
            const [x, y] = [table.id(a), table.id(b)];
            expect(x === y).toBe(a.join() === b.join());
            expect(table.set(table.union(x, y))).toEqual(union(a, b));
            expect(table.set(table.intersect(x, y))).toEqual(intersect(a, b));
            expect(table.set(table.subtract(x, y))).toEqual(subtract(a, b));
          }
      }),
      { numRuns: 100 },
    );
  });
});

describe('sets of traffic', () => {
  it.each<[PortSet, string]>([
    [NO_PORTS, 'nothing'],
    [ALL_PORTS, 'all traffic'],
    [union(portRange('TCP', 80, 80), portRange('TCP', 81, 90)), 'TCP 80-90'],
    [union(portRange('TCP'), portRange('UDP', 53, 53)), 'TCP (all), UDP 53'],
    [union(icmpPorts(8), icmpPorts(3, 4)), 'ICMP type 3 code 4, ICMP type 8'],
    [union(protocolPorts(1, 4), protocolPorts(47, 4)), 'ICMP, protocol 47'],
    [complementPorts(portRange('TCP')), 'UDP (all), SCTP (all), ICMP, other protocols 0-255'],
  ])('read as people say them: %#', (set, text) => expect(formatPorts(set)).toBe(text));

  it('know no port outside 1 to 65535, and no ICMP of the other family', () => {
    expect(portRange('TCP', 0, 0)).toEqual(NO_PORTS);
    expect(portRange('TCP', 65536, 70000)).toEqual(NO_PORTS);
    expect(protocolPorts(58, 4)).toEqual(NO_PORTS);
    expect(protocolPorts(58, 6)).toEqual(protocolPorts(1, 4));
  });
});

function setOf(list: readonly { readonly set: PortSet }[]): PortSet {
  return list.reduce<PortSet>((sum, { set }) => union(sum, set), NO_PORTS);
}

/** First and last flow of each run, and their neighbours. */
function edgesOf(set: PortSet): Traffic[] {
  return portEntries(set).flatMap((entry): Traffic[] => {
    if (entry.protocol === 'TCP' || entry.protocol === 'UDP' || entry.protocol === 'SCTP') {
      const { protocol: of, from, to } = entry;
      return [from - 1, from, to, to + 1].filter((n) => n >= 1 && n <= 65535).map((n) => ({ protocol: of, port: n }));
    }
    return [];
  });
}

function numberOf({ protocol: of }: Traffic): number {
  return { TCP: 6, UDP: 17, SCTP: 132, ICMP: 1 }[of as string] ?? Number(of);
}
