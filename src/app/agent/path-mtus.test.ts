import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { silentLogger } from '../../base/log.ts';
import { fakeEchoes } from '../../host/probe/echo-fake.ts';
import type { EchoOutcome, Echoes } from '../../host/probe/echo-port.ts';
import { PathMtus } from './path-mtus.ts';

const target = (address: string, mtu = 1500) => [{ address: parseIp(address)!, mtu }];

/** Paths over a network in which `carried` says what arrives, by address; others' peers do not answer. */
function scene(carried: Map<string, number>) {
  const changes = vi.fn();
  const path = (to: Ip, bytes: number): EchoOutcome =>
    bytes <= (carried.get(formatIp(to)) ?? 0) ? 'answered' : 'silence';
  return { paths: new PathMtus({ echoes: fakeEchoes(path), log: silentLogger, onChange: changes }), changes };
}

describe('what the ways to peers carry', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is what routes say until something else is found, and is told when it is', async () => {
    const carried = new Map([
      ['10.0.0.2', 1500],
      ['10.0.0.3', 1433],
    ]);
    const { paths, changes } = scene(carried);
    const targets = new Map([
      ['whole', target('10.0.0.2')],
      ['narrow', target('10.0.0.3')],
      ['mute', target('10.0.0.4')],
    ]);
    paths.follow(targets);
    expect(paths.narrowTo('narrow')).toBeUndefined();
    await vi.advanceTimersByTimeAsync(5000);
    expect(['whole', 'narrow', 'mute', 'nobody'].map((name) => paths.narrowTo(name))).toEqual([
      undefined,
      1433,
      undefined,
      undefined,
    ]);
    expect(changes).toHaveBeenCalledTimes(1);
    expect(paths.status()).toEqual({
      answering: 2,
      silent: ['mute'],
      narrow: [{ peer: 'narrow', mtu: 1433, route: 1500 }],
    });
    paths.stop();
  });

  it('is the least of what its addresses say, of which one may keep silent', async () => {
    const carried = new Map([
      ['10.0.0.2', 1500],
      ['fd00::2', 1400],
    ]);
    const { paths } = scene(carried);
    const both = [...target('10.0.0.2'), ...target('fd00::2')];
    paths.follow(new Map([['peer', both]]));
    await vi.advanceTimersByTimeAsync(5000);
    expect(paths.status()).toEqual({ answering: 1, silent: [], narrow: [{ peer: 'peer', mtu: 1400, route: 1500 }] });
    carried.delete('10.0.0.2');
    await vi.advanceTimersByTimeAsync(20_000);
    expect([paths.narrowTo('peer'), paths.status()?.silent]).toEqual([1400, []]);
    // No route leads by the narrow one any more.
    paths.follow(new Map([['peer', both.slice(0, 1)]]));
    expect(paths.narrowTo('peer')).toBeUndefined();
    paths.stop();
  });

  it('is noticed ten seconds after it became less, and tried ten times a second where there are many peers', async () => {
    const carried = new Map([['10.0.0.2', 1500]]);
    const { paths } = scene(carried);
    paths.follow(new Map([['peer', target('10.0.0.2')]]));
    await vi.advanceTimersByTimeAsync(4000);
    carried.set('10.0.0.2', 1400);
    // Ten seconds, and three tries of each size that is lost.
    await vi.advanceTimersByTimeAsync(20_000);
    expect(paths.narrowTo('peer')).toBe(1400);
    paths.stop();
    let sent = 0;
    const echoes: Echoes = {
      echo: () => {
        sent++;
        return Promise.resolve('answered');
      },
      [Symbol.dispose]: () => undefined,
    };
    const many = new PathMtus({ echoes, log: silentLogger, onChange: () => undefined });
    many.follow(new Map(Array.from({ length: 300 }, (_, i) => [`n${i}`, target(`10.0.${i >> 8}.${i & 255}`)])));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toBe(300);
    await vi.advanceTimersByTimeAsync(300_000);
    expect([sent > 2700, sent <= 3100]).toEqual([true, true]);
    many.stop();
  });

  it('is tried again within a minute, and when the route or the address is another', async () => {
    const carried = new Map([['10.0.0.2', 1400]]);
    const { paths, changes } = scene(carried);
    paths.follow(new Map([['peer', target('10.0.0.2')]]));
    await vi.advanceTimersByTimeAsync(5000);
    expect(paths.narrowTo('peer')).toBe(1400);
    // A peer that stops answering is reached as before.
    carried.clear();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([paths.narrowTo('peer'), paths.status()?.silent]).toEqual([1400, ['peer']]);
    carried.set('10.0.0.2', 1500);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(paths.narrowTo('peer')).toBeUndefined();
    carried.set('10.0.0.2', 8000).set('10.0.0.9', 1300);
    paths.follow(new Map([['peer', target('10.0.0.2', 9000)]]));
    await vi.advanceTimersByTimeAsync(5000);
    expect(paths.narrowTo('peer')).toBe(8000);
    paths.follow(new Map([['peer', target('10.0.0.9', 9000)]]));
    expect(paths.narrowTo('peer')).toBeUndefined();
    await vi.advanceTimersByTimeAsync(5000);
    expect(paths.narrowTo('peer')).toBe(1300);
    paths.follow(new Map());
    expect(paths.status()).toEqual({ answering: 0, silent: [], narrow: [] });
    expect(changes).toHaveBeenCalledTimes(4);
    paths.stop();
  });

  it('tries a thousand peers in ten seconds, few at a time', async () => {
    let [open, most, sent] = [0, 0, 0];
    const echoes: Echoes = {
      echo: async () => {
        sent++;
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 50));
        open--;
        return 'answered';
      },
      [Symbol.dispose]: () => undefined,
    };
    const paths = new PathMtus({ echoes, log: silentLogger, onChange: () => undefined });
    paths.follow(new Map(Array.from({ length: 1000 }, (_, i) => [`n${i}`, target(`10.0.${i >> 8}.${i & 255}`)])));
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent).toBeLessThanOrEqual(101);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([sent, paths.status()?.answering]).toEqual([1000, 1000]);
    expect(most).toBeLessThanOrEqual(16);
    paths.stop();
  });

  it('sends nothing once it is stopped, and nothing where it has no means to', async () => {
    const { paths, changes } = scene(new Map([['10.0.0.2', 1400]]));
    paths.follow(new Map([['peer', target('10.0.0.2')]]));
    paths.stop();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(changes).not.toHaveBeenCalled();
    const without = new PathMtus({ echoes: undefined, log: silentLogger, onChange: changes });
    without.follow(new Map([['peer', target('10.0.0.2')]]));
    expect([without.narrowTo('peer'), without.status()]).toEqual([undefined, undefined]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
