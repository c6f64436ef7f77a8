import { describe, expect, it, onTestFinished } from 'vitest';
import { formatIp } from '../../base/ip/index.ts';
import { flowKeyOf } from './port.ts';
import type { Conntrack, FlowFilter, TrackedFlow } from './port.ts';

/** What every {@link Conntrack} does. `create` gives a table of exactly three UDP flows to ports 9001 to 9003 and one ICMPv6 echo. */
export function conntrackContract(name: string, create: () => Conntrack): void {
  const sample = (): Conntrack => {
    const table = create();
    onTestFinished(() => table[Symbol.dispose]());
    return table;
  };
  const portsOf = (flows: readonly TrackedFlow[]): number[] =>
    flows.map(({ original }) => original.destinationPort ?? original.icmp!.type).toSorted((a, b) => a - b);

  describe(name, () => {
    it('tells what each flow is, in both directions', () => {
      const flows = sample().dump();
      expect(portsOf(flows)).toEqual([128, 9001, 9002, 9003]);
      const udp = flows.find(({ original }) => original.destinationPort === 9001)!;
      expect(udp).toMatchObject({ mark: 0, zone: 0, original: { protocol: 17 }, reply: { sourcePort: 9001 } });
      expect(udp.reply.destinationPort).toBe(udp.original.sourcePort);
      expect(formatIp(udp.original.source)).toBe('127.0.0.1');
    });

    it('tells the same in the background, several times at once', async () => {
      const table = sample();
      const dumps = await Promise.all(
        [{}, { family: 4 }, {}].map((filter) => table.dumpInBackground(filter as FlowFilter)),
      );
      expect(dumps.map((flows) => flows.length)).toEqual([4, 3, 4]);
    });

    it('filters by family and by address', () => {
      const table = sample();
      expect(portsOf(table.dump({ family: 6 }))).toEqual([128]);
      const [flow] = table.dump({ family: 4 });
      expect(table.dump({ addresses: new Set([flowKeyOf(flow!.original.source)]) })).toHaveLength(3);
      expect(table.dump({ addresses: new Set(['4:1']) })).toEqual([]);
    });

    it('changes only the masked bits of a mark, and finds flows by them', () => {
      const table = sample();
      const all = table.dump();
      expect(table.setMark(all, { value: 0x1200, mask: 0xff00 })).toBe(4);
      const udp = all.filter(({ original }) => original.protocol === 17);
      expect(table.setMark(udp, { value: 1, mask: 1 })).toBe(3);
      expect(portsOf(table.dump({ mark: { value: 1, mask: 1 } }))).toEqual([9001, 9002, 9003]);
      expect(table.dump({ mark: { value: 0x1200, mask: 0xff00 } })).toHaveLength(4);
      expect(table.setMark(udp.slice(0, 1), { value: 0, mask: 1 })).toBe(1);
      expect(new Set(table.dump().map(({ mark }) => mark))).toEqual(new Set([0x1200, 0x1201]));
    });

    it('forgets flows, and skips those that are gone', () => {
      const table = sample();
      const all = table.dump();
      expect(table.delete(all.slice(0, 2))).toBe(2);
      expect(table.delete(all)).toBe(2);
      expect(table.setMark(all, { value: 1, mask: 1 })).toBe(0);
      expect(table.dump()).toEqual([]);
    });
  });
}
