import { afterEach, expect, it, vi } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import type { NameAnswer } from '../../host/dns/lookup.ts';
import { ExternalNames } from './external-names.ts';

vi.useFakeTimers();
const stop = new AbortController();
afterEach(() => vi.clearAllTimers());

const found = (...addresses: readonly string[]): NameAnswer => ({ kind: 'found', addresses, ttl: 30 });
const FAILED: NameAnswer = { kind: 'failed', reason: 'nobody answers' };

it('looks names up again and again: what is known holds while nobody answers, and not when the name is gone', async () => {
  const answers: NameAnswer[] = [FAILED, found('192.0.2.1'), FAILED, found('192.0.2.2'), { kind: 'absent' }];
  const asked: (readonly string[])[] = [];
  let changes = 0;
  const lookup = (name: string, servers: readonly string[]): Promise<NameAnswer> => {
    asked.push([name, ...servers]);
    return Promise.resolve(answers.shift() ?? FAILED);
  };
  const names = new ExternalNames({ lookup, log: silentLogger, onChange: () => changes++ }, stop.signal);
  const next = async (seconds: number): Promise<unknown> => {
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    return names.known().get('db.test');
  };
  names.want(new Set(['db.test']), ['10.96.0.10']);
  expect(names.known().size).toBe(0);
  expect(await next(0)).toEqual({ problem: 'cannot be looked up: nobody answers' });
  expect(await next(5)).toEqual({ addresses: ['192.0.2.1'] });
  expect(await next(30)).toEqual({ addresses: ['192.0.2.1'] });
  expect(await next(5)).toEqual({ addresses: ['192.0.2.2'] });
  expect(await next(30)).toEqual({ problem: 'is not known to the DNS, or has no address' });
  expect(changes).toBe(4);
  expect(asked[0]).toEqual(['db.test', '10.96.0.10']);
  names.want(new Set(), []);
  const before = asked.length;
  await next(300);
  expect([names.known().size, asked.length]).toEqual([0, before]);
});
