import { expect, it } from 'vitest';
import { informer } from './informer.ts';
import { MemoryKubeClient } from './memory-client.ts';
import { CONFIG_MAPS } from './resources.ts';
import type { KubeObject } from './types.ts';

const metadata = (name: string) => ({ name, namespace: 'n' });

it('tells a change again whose listener failed, be it of an object that came, changed or went', async () => {
  const client = new MemoryKubeClient();
  const stop = new AbortController();
  const told: string[] = [];
  const failures: unknown[] = [];
  let isBroken = false;
  const fail = (what: string): void => {
    if (!isBroken) return void told.push(what);
    isBroken = false;
    throw new Error(what);
  };
  const following = informer<KubeObject & { readonly data?: object }, string>(
    client,
    CONFIG_MAPS,
    {
      project: ({ data }) => JSON.stringify(data),
      onDelta: (delta) => fail(`${delta.kind} ${delta.key} ${delta.kind === 'set' ? delta.object : ''}`),
      onError: (error) => failures.push((error as Error).message),
      backoff: 1,
    },
    stop.signal,
  );
  await following.synced;
  const breaking = async (change: () => Promise<unknown>, ...expected: readonly string[]): Promise<void> => {
    isBroken = true;
    await change();
    await expect.poll(() => told.splice(0)).toEqual(expected);
  };
  await breaking(
    () => client.create(CONFIG_MAPS, { metadata: metadata('a'), data: { x: '1' } } as KubeObject),
    'set n/a {"x":"1"}',
  );
  await breaking(
    () => client.update(CONFIG_MAPS, { metadata: metadata('a'), data: { x: '2' } } as KubeObject),
    'set n/a {"x":"2"}',
  );
  await breaking(() => client.delete(CONFIG_MAPS, metadata('a')), 'delete n/a ');
  expect(following.items.size).toBe(0);
  expect(failures).toEqual(['set n/a {"x":"1"}', 'set n/a {"x":"2"}', 'delete n/a ']);
  stop.abort();
  await following.done;
});
