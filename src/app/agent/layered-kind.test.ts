import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tierSpec } from '../../core/policy/calico/tier.ts';
import type { TierSpec } from '../../core/policy/model.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { TIERS } from '../../host/kube-client/resources.ts';
import { LayeredKind } from './layered-kind.ts';

describe('a kind that may be in several API groups', () => {
  const [written, stored] = TIERS as [(typeof TIERS)[number], (typeof TIERS)[number]];
  let client: MemoryKubeClient;
  let stop: AbortController;
  let changes: string[];
  let tiers: LayeredKind<TierSpec>;

  const tier = (name: string, order: number) => ({ metadata: { name }, spec: { order } }) as object;
  const show = (spec: TierSpec | undefined) => (spec === undefined ? '-' : `${spec.name}@${spec.order}`);
  const changesAre = (...expected: string[]) => expect.poll(() => changes).toEqual(expected);

  beforeEach(() => {
    client = new MemoryKubeClient();
    stop = new AbortController();
    changes = [];
  });
  afterEach(async () => {
    stop.abort();
    await Promise.all(tiers.informers.map((each) => each.done));
  });

  async function start(): Promise<void> {
    tiers = new LayeredKind<TierSpec>(
      client,
      {
        resources: TIERS,
        read: tierSpec,
        onChange: (now, before) => changes.push(`${show(before)} → ${show(now)}`),
        onIssues: () => undefined,
        onError: (_, error) => changes.push(String(error)),
        absentRetry: 5,
      },
      stop.signal,
    );
    await Promise.all(tiers.informers.map((each) => each.synced));
  }

  it('counts an object once, as the better group has it, and falls back on the other', async () => {
    await client.create(stored, tier('a', 1));
    await start();
    await changesAre('- → a@1');
    await client.create(written, tier('a', 2));
    await changesAre('- → a@1', 'a@1 → a@2');
    await client.update(stored, tier('a', 3));
    await client.create(written, tier('b', 5));
    await changesAre('- → a@1', 'a@1 → a@2', '- → b@5');
    expect([...tiers.values()].map(show).sort()).toEqual(['a@2', 'b@5']);
    await client.delete(written, { name: 'a' });
    await client.delete(stored, { name: 'a' });
    await changesAre('- → a@1', 'a@1 → a@2', '- → b@5', 'a@2 → a@3', 'a@3 → -');
  });

  it('is empty where a cluster does not have it, and is found when it comes', async () => {
    for (const resource of TIERS) client.serve(resource, false);
    await start();
    expect([...tiers.values()]).toEqual([]);
    client.serve(written, true);
    await client.create(written, tier('late', 7));
    await changesAre('- → late@7');
  });
});
