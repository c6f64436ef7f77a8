import { describe, expect, it } from 'vitest';
import type { ActionResult } from './probe-action.ts';
import { probeLoop } from './probe-loop.ts';

/** Plays `results` one after the other and returns the verdicts that were heard. */
async function verdicts(
  results: readonly boolean[],
  thresholds: { success?: number; failure?: number },
): Promise<boolean[]> {
  const stop = new AbortController();
  const heard: boolean[] = [];
  const queue = [...results];
  const run = (): Promise<ActionResult> => {
    const ok = queue.shift();
    if (queue.length === 0) queueMicrotask(() => setImmediate(() => stop.abort()));
    return Promise.resolve(ok ? { ok: true } : { ok: false, message: 'no' });
  };
  await probeLoop(
    { periodSeconds: 0, successThreshold: thresholds.success ?? 1, failureThreshold: thresholds.failure ?? 3 },
    run,
    { onChange: (passing) => heard.push(passing), onFailure: () => undefined },
    stop.signal,
  );
  return heard;
}

describe('a probe', () => {
  it('passes with the first success', async () => {
    expect(await verdicts([false, true], {})).toEqual([true]);
  });

  it('fails only after enough failures in a row', async () => {
    expect(await verdicts([true, false, false, true, false, false, false], {})).toEqual([true, false]);
  });

  it('recovers after as many successes as it wants to see', async () => {
    expect(await verdicts([false, true, false, true, true], { success: 2, failure: 1 })).toEqual([false, true]);
  });
});
