import { describe, expect, it } from 'vitest';
import type { Family } from '../../base/ip/index.ts';
import { parseIp } from '../../base/ip/index.ts';
import type { Echoes } from './echo-port.ts';

/** Of the path to 10.1.0.2 and fd01::2, both in the network of an own device of 1500; 10.1.0.9 and fd01::9 are nobody's. */
export const PATH_MTU = 1400;

/** What every {@link Echoes} does. `make` makes a path of {@link PATH_MTU}, whose router says so or is silent. */
export function echoContract(name: string, make: (router: 'tells' | 'silent') => Echoes): void {
  describe(name, () => {
    it.each([
      [4, 'tells', '10.1.0.2', '10.1.0.9'],
      [4, 'silent', '10.1.0.2', '10.1.0.9'],
      [6, 'tells', 'fd01::2', 'fd01::9'],
      [6, 'silent', 'fd01::2', 'fd01::9'],
    ] as const)(
      'shows over IPv%i what a path carries whose router %s',
      async (family: Family, router, near, nobody) => {
        using echoes = make(router);
        const [peer, stranger] = [parseIp(near)!, parseIp(nobody)!];
        const patience = { answer: 20_000, silence: 200 };
        expect(await echoes.echo(peer, PATH_MTU, patience.answer)).toBe('answered');
        expect(await echoes.echo(peer, family === 4 ? 576 : 1280, patience.answer)).toBe('answered');
        const larger = await echoes.echo(peer, PATH_MTU + 1, router === 'tells' ? patience.answer : patience.silence);
        expect(larger).toEqual(router === 'tells' ? { limit: PATH_MTU } : 'silence');
        // Whatever has been learnt of the path, the size is tried.
        expect(await echoes.echo(peer, PATH_MTU, patience.answer)).toBe('answered');
        expect(await echoes.echo(stranger, 1280, patience.silence)).toBe('silence');
        expect(await echoes.echo(peer, 1501, patience.answer)).toEqual({ limit: undefined });
      },
    );

    it('is silent once it is disposed', async () => {
      const echoes = make('tells');
      const asked = echoes.echo(parseIp('10.1.0.9')!, 1280, 20_000);
      echoes[Symbol.dispose]();
      expect(await asked).toBe('silence');
    });
  });
}
