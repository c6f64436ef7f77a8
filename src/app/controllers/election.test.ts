import { describe, expect, it } from 'vitest';
import { electionStep, released, type Candidate, type ElectionStep } from './election.ts';

const a: Candidate = { identity: 'a', namespace: 'kube-system', leaseName: 'l', leaseSeconds: 15 };
const b: Candidate = { ...a, identity: 'b' };

function leaseOf(step: ElectionStep): Extract<ElectionStep, { do: 'create' }>['lease'] {
  if (step.do === 'wait') throw new Error('waits');
  return step.lease;
}

describe('leader election', () => {
  const first = electionStep(a, { lease: undefined, changedAt: 0 }, 0, 0);

  it('gives the lease to whoever creates it, and lets the holder renew', () => {
    expect(first.do).toBe('create');
    const again = electionStep(a, { lease: leaseOf(first), changedAt: 0 }, 5_000, 5_000);
    expect(again.do).toBe('update');
    expect(leaseOf(again).spec).toMatchObject({ leaseTransitions: 0, renewTime: '1970-01-01T00:00:05.000000Z' });
  });

  it('makes others wait for as long as the lease was seen to change, whatever the clock of its holder says', () => {
    const observed = { lease: leaseOf(first), changedAt: 100_000 };
    expect(electionStep(b, observed, 110_000, 9e11)).toEqual({ do: 'wait', ms: 5_000 });
    const taken = electionStep(b, observed, 115_000, 9e11);
    expect(leaseOf(taken).spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  it('passes to the next at once when it was given back', () => {
    const observed = { lease: released(leaseOf(first)), changedAt: 0 };
    expect(electionStep(b, observed, 1, 1).do).toBe('update');
  });
});
