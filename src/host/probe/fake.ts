import type { Probe, ProbeAttempt } from './port.ts';

/** A prober that sends nothing: `passes` says what would have happened. */
export function fakeProbe(passes: (attempt: ProbeAttempt) => boolean): Probe {
  return (attempts) =>
    Promise.resolve(
      attempts.map((attempt) =>
        passes(attempt)
          ? {
              attempt,
              verdict: 'allowed',
              evidence: attempt.protocol === 'tcp' ? 'connected' : 'arrived',
              elapsedMs: 0,
            }
          : { attempt, verdict: 'denied', evidence: 'silence' },
      ),
    );
}
