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

/** What the outcomes say that cover the address and port: exactly one must. */
function outcomesAt({ outcomes }: Answer, end: 'from' | 'to', { family, value }: Ip, port: number): boolean[] {
  return outcomes
    .filter(({ sources, destinations, ports }) => {
      const { ranges } = end === 'from' ? sources : destinations;
      return contains(ranges[family], value) && contains(ports, BigInt(port));
    })
    .map(({ verdict }) => verdict.allowed);
}
