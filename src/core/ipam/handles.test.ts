import { describe, expect, it } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { decodeHandle, encodeHandle } from './codec.ts';
import { planHandles } from './handles.ts';

const BLOCKS = [
  { cidr: parseCidr('10.0.0.0/26')!, handles: ['a', 'b', 'b', ''] },
  { cidr: parseCidr('fd00::/122')!, handles: ['a'] },
];

describe('the index of handles', () => {
  it('is made of what the blocks say', () => {
    const { create, correct, remove } = planHandles(BLOCKS, []);
    expect(create).toEqual([
      {
        handle: 'a',
        blocks: new Map([
          ['10.0.0.0/26', 1],
          ['fd00::/122', 1],
        ]),
      },
      { handle: 'b', blocks: new Map([['10.0.0.0/26', 2]]) },
    ]);
    expect([correct, remove]).toEqual([[], []]);
  });

  it('needs nothing once it is written', () => {
    const written = planHandles(BLOCKS, []).create.map((each) => decodeHandle(encodeHandle(each)));
    expect(planHandles(BLOCKS, written)).toEqual({ create: [], correct: [], remove: [] });
  });

  it('is corrected where it counts otherwise, and loses who holds nothing', () => {
    const present = [
      { handle: 'b', blocks: new Map([['10.0.0.0/26', 1]]) },
      { handle: 'gone', blocks: new Map([['10.0.0.0/26', 1]]) },
    ];
    const plan = planHandles(BLOCKS, present);
    expect(plan.create.map(({ handle }) => handle)).toEqual(['a']);
    expect(plan.correct).toEqual([{ handle: 'b', blocks: new Map([['10.0.0.0/26', 2]]) }]);
    expect(plan.remove).toEqual(['gone']);
  });
});
