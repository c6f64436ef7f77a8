import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cidrContains, contains, parseCidr } from '../../src/base/ip/index.ts';
import type { Ip } from '../../src/base/ip/index.ts';
import { readPort } from '../../src/cli/check/port-text.ts';
import { Judge } from '../../src/cli/judge.ts';
import type { Answer, Question } from '../../src/cli/judge.ts';
import { PolicyEngine } from '../../src/core/policy/index.ts';
import { arbitraryModel } from './arbitrary-model.ts';

/** Small blocks in which the generated clusters have pods, nodes, sets and strangers side by side. */
const BLOCKS = ['10.244.0.0/29', '10.244.1.0/29', '172.30.1.8/29', '203.0.113.8/29', 'fd00:10:244::1:0/125'];

describe('an answer about a whole block and a range of ports', () => {
  it('is, address by address and port by port, what each of them would be answered', () => {
    const question = fc.record({
      model: arbitraryModel(),
      block: fc.constantFrom(...BLOCKS),
      end: fc.constantFrom('from' as const, 'to' as const),
      protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    });
    fc.assert(
      fc.property(question, ({ model: { state }, block, end, protocol }) => {
        const judge = new Judge(new PolicyEngine(state));
        const [pod] = [...state.pods.values()].filter((each) => !each.completed && each.addresses.length > 0);
        fc.pre(pod !== undefined);
        const cidr = parseCidr(block)!;
        const other = { kind: 'pods', title: pod.key, pods: [pod] } as const;
        const ask = (place: Question['from'], port: string): Answer => {
          const ends = end === 'from' ? { from: place, to: other } : { from: other, to: place };
          return judge.judge({ ...ends, protocol, port: readPort(port), family: cidr.ip.family });
        };
        const whole = ask({ kind: 'block', cidr }, '78-82');
        for (let offset = 0n; offset < 8n; offset++)
          for (const port of [78, 79, 80, 81, 82]) {
            const ip = { family: cidr.ip.family, value: cidr.ip.value + offset };
            expect(cidrContains(cidr, ip)).toBe(true);
            const single = ask({ kind: 'address', ip }, String(port));
            expect(outcomesAt(whole, end, ip, port)).toEqual([single.allowed]);
          }
      }),
      { numRuns: 200 },
    );
  });
});

describe('an answer about all that is outside', () => {
  it('is, address by address, what each of them would be answered', () => {
    const question = fc.record({
      model: arbitraryModel(),
      end: fc.constantFrom('from' as const, 'to' as const),
      protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
      port: fc.constantFrom(80, 81, 9),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(question, ({ model: { state }, end, protocol, port, which }) => {
        const engine = new PolicyEngine(state);
        const judge = new Judge(engine);
        const pods = [...state.pods.values()].filter((each) => !each.completed && each.addresses.length > 0);
        const others: Question['from'][] = [
          ...pods.map((pod) => ({ kind: 'pods' as const, title: pod.key, pods: [pod] })),
          ...[...state.nodes.values()].map((node) => ({ kind: 'node' as const, node })),
        ];
        const other = others[which % others.length]!;
        for (const block of BLOCKS) {
          const { ip: first } = parseCidr(block)!;
          const ask = (place: Question['from']): Answer => {
            const ends = end === 'from' ? { from: place, to: other } : { from: other, to: place };
            return judge.judge({ ...ends, protocol, port: readPort(String(port)), family: first.family });
          };
          const whole = ask({ kind: 'outside' });
          for (let offset = 0n; offset < 8n; offset++) {
            const ip = { family: first.family, value: first.value + offset };
            if (engine.address(ip).kind !== 'outside') continue;
            const single = ask({ kind: 'address', ip });
            expect(outcomesAt(whole, end, ip, port)).toEqual([single.allowed]);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** What the outcomes say that cover the address and port: exactly one must. */
function outcomesAt({ outcomes }: Answer, end: 'from' | 'to', { family, value }: Ip, port: number): boolean[] {
  return outcomes
    .filter(({ sources, destinations, ports }) => {
      const { names, ranges } = end === 'from' ? sources : destinations;
      const isMeant = names.includes('outside') || contains(ranges[family], value);
      return isMeant && contains(ports, BigInt(port));
    })
    .map(({ verdict }) => verdict.allowed);
}
