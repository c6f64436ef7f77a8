import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Assembler } from '../../core/bpf/index.ts';
import { openNetlink } from '../netlink/kernel.ts';
import { createNetns, deleteNetns } from '../netns/netns.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { bpfContract } from './contract.ts';
import { openBpf } from './kernel.ts';
import { runProgram } from './run.test-support.ts';

const directory = enterPrivateNetwork();
let made = 0;

function makeNetns() {
  const netns = join(directory!, `bpf-${++made}`);
  createNetns(netns);
  using netlink = openNetlink({ netns });
  netlink.apply([{ kind: 'add-link', link: { type: 'veth', name: 'near', up: true, peer: { name: 'far' } } }]);
  const link = netlink.link('near')!.index;
  return { netns, link, [Symbol.dispose]: () => deleteNetns(netns) };
}

describe('the kernel', () => {
  bpfContract(() => {
    const { netns, link, ...world } = makeNetns();
    return { open: () => openBpf({ netns }), link, missing: 7777, ...world };
  });

  it('says what it does not like about a program', () => {
    using bpf = openBpf();
    const outside = new Assembler().load(8, 'r0', 'r10', 8).return('r0').program('test_bad');
    expect(() => bpf.load(outside, new Map())).toThrow(/^loading program test_bad failed with EACCES: .*invalid/);
  });

  it('computes as the assembler says', () => {
    using bpf = openBpf();
    const run = (asm: Assembler) => runProgram(bpf.load(asm.program('test_sum'), new Map()), new Uint8Array(64)).answer;
    expect(run(new Assembler().move('r0', 6).alu('add', 'r0', -2).alu('shiftLeft', 'r0', 3).return('r0'))).toBe(32);
    expect(run(new Assembler().move('r1', 0x1234).toNetworkOrder('r1', 16).return('r1'))).toBe(0x3412);
    expect(run(new Assembler().wide('r1', 0x1_0000_0005n).alu32('and', 'r1', -1).return('r1'))).toBe(5);
    const far = new Assembler().wide('r1', -1n).jumpIf32('r1', '==', -1, 'yes').return(1).label('yes').return(2);
    expect(run(far)).toBe(2);
    const either = new Assembler().move('r1', 6).jumpIf('r1', 'any of', 9, 'yes').return(1).label('yes').return(2);
    expect(run(either)).toBe(1);
    const less = new Assembler().move('r1', 6).jumpIf('r1', '<', 7, 'yes').return(1).label('yes').return(2);
    expect(run(less)).toBe(2);
    expect(run(new Assembler().move('r0', 3).alu('xor', 'r0', 5).alu('or', 'r0', 8).return('r0'))).toBe(14);
  });
});
