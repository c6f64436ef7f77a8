import { describe, expect, it } from 'vitest';
import type { Probe, ProbeAttempt } from './port.ts';

/** A prober, an attempt that gets through and one that is dropped. */
export interface ProbeCase {
  readonly probe: Probe;
  readonly open: ProbeAttempt;
  readonly blocked: ProbeAttempt;
}

/** What every {@link Probe} does. `make` is called before each case and makes the attempts of one protocol. */
export function probeContract(name: string, make: (protocol: ProbeAttempt['protocol']) => ProbeCase): void {
  describe(name, () => {
    it('answers nothing when asked nothing', async () => {
      expect(await make('tcp').probe([])).toEqual([]);
    });

    it.each(['tcp', 'udp', 'sctp', 'icmp'] as const)(
      'tells passage from silence for %s, in the order asked',
      async (protocol) => {
        const { probe, open, blocked } = make(protocol);
        const asked = [blocked, open, blocked, open];
        const results = await probe(asked);
        expect(results.map(({ attempt }) => attempt)).toEqual(asked);
        expect(results.map(({ verdict }) => verdict)).toEqual(['denied', 'allowed', 'denied', 'allowed']);
      },
    );

    it('proves passage by evidence and gives its time; for silence there is none', async () => {
      const { probe, open, blocked } = make('tcp');
      const [passed, dropped] = await probe([open, blocked]);
      expect(passed?.evidence).toBe('connected');
      expect(passed?.elapsedMs).toBeGreaterThanOrEqual(0);
      expect(dropped?.evidence).toBe('silence');
      expect(dropped?.elapsedMs).toBeUndefined();
    });
  });
}
