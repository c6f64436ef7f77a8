import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sqliteStore } from '../../host/sqlite/sqlite-store.ts';
import { testCluster, type TestCluster } from './kubectl.test-support.ts';

interface Line {
  readonly type: string;
  readonly object: {
    readonly kind?: string;
    readonly code?: number;
    readonly metadata?: {
      readonly name?: string;
      readonly resourceVersion?: string;
      readonly annotations?: Record<string, string>;
    };
  };
}

const lines = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

let cluster: TestCluster;
const watch = async (query: string): Promise<Line[]> =>
  lines(
    await cluster.ok(['get', '--raw', `/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=1&${query}`]),
  );

beforeAll(async () => {
  cluster = await testCluster();
  for (const name of ['a', 'b']) await cluster.ok(['create', 'configmap', name]);
});
afterAll(async () => cluster[Symbol.asyncDispose]());

describe('a watch over HTTP', () => {
  it('begins with everything when it has no version, and ends with a bookmark', async () => {
    const seen = await watch('allowWatchBookmarks=true');
    expect(seen.map((each) => `${each.type} ${each.object.metadata?.name}`)).toEqual([
      'ADDED a',
      'ADDED b',
      'BOOKMARK undefined',
    ]);
    expect(Number(seen.at(-1)!.object.metadata?.resourceVersion)).toBeGreaterThan(0);
  });

  it('replays what happened after a version', async () => {
    const [first] = await watch('');
    const seen = await watch(`resourceVersion=${first!.object.metadata!.resourceVersion}`);
    expect(seen.map((each) => `${each.type} ${each.object.metadata?.name}`)).toEqual(['ADDED b']);
  });

  it('streams a list and marks its end when asked', async () => {
    const seen = await watch('sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true');
    expect(seen[2]).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
  });

  it('answers a version that it cannot read with an error', async () => {
    expect((await watch('resourceVersion=rubbish'))[0]).toMatchObject({ type: 'ERROR', object: { code: 400 } });
  });
});

describe('a restart', () => {
  it('keeps the objects and the numbering, and sends watchers of before back to the list', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-restart-'));
    const path = join(directory, 'store.db');
    const before = await testCluster({ store: sqliteStore(path) });
    await before.ok(['create', 'namespace', 'kept']);
    await before.ok(['create', 'configmap', 'gone', '-n', 'kept']);
    await before.ok(['delete', 'configmap', 'gone', '-n', 'kept']);
    const version = await before.ok(['get', 'ns', 'kept', '-o', 'jsonpath={.metadata.resourceVersion}']);
    await before[Symbol.asyncDispose]();

    const after = await testCluster({ store: sqliteStore(path) });
    expect(await after.ok(['get', 'ns', 'kept', '-o', 'jsonpath={.metadata.resourceVersion}'])).toBe(version);
    expect(await after.ok(['get', 'configmaps', '-n', 'kept', '-o', 'name'])).toBe('');
    await after.ok(['create', 'configmap', 'new', '-n', 'kept']);
    const created = await after.ok([
      'get',
      'configmap',
      'new',
      '-n',
      'kept',
      '-o',
      'jsonpath={.metadata.resourceVersion}',
    ]);
    expect(Number(created)).toBeGreaterThan(Number(version) + 2);
    const [line] = lines(
      await after.ok([
        'get',
        '--raw',
        `/api/v1/namespaces?watch=true&timeoutSeconds=1&resourceVersion=${Number(version) - 1}`,
      ]),
    );
    expect(line).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410 } });
    await after[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
});
