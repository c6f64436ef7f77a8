import type { ConfigMap, Namespace, Pod } from '../../core/kube/types.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KubeError, isAlreadyExists, isConflict, isGone, isNotFound } from './errors.ts';
import { informer } from './informer.ts';
import type { Delta } from './informer.ts';
import { listAll } from './list-all.ts';
import { CONFIG_MAPS, NAMESPACES, NODES, PODS } from './resources.ts';
import type { KubeClient, WatchEvent } from './types.ts';

/** What a contract run opens and closes: a client of an API server that holds nothing but its own start-up objects. */
export interface ClientUnderTest {
  readonly client: KubeClient;
  close(): Promise<void> | void;
}

/** The behaviour that every {@link KubeClient} owes its callers, whatever is behind it. */
export function describeKubeClient(name: string, open: () => Promise<ClientUnderTest>): void {
  describe(`${name} as a Kubernetes client`, () => {
    let opened: ClientUnderTest;
    let client: KubeClient;
    const namespace = 'contract';

    beforeAll(async () => {
      opened = await open();
      client = opened.client;
      await client.create<Namespace>(NAMESPACES, { metadata: { name: namespace } });
    });
    afterAll(async () => opened.close());

    const configMap = (
      named: string,
      data: Record<string, string> = {},
      labels: Record<string, string> = {},
    ): ConfigMap => ({
      metadata: { name: named, namespace, labels },
      data,
    });

    it('stores an object and gives it back with its identity', async () => {
      const created = await client.create<ConfigMap>(CONFIG_MAPS, configMap('stored', { a: '1' }));
      expect(created.metadata?.uid).toBeTruthy();
      expect(created.metadata?.resourceVersion).toBeTruthy();
      const read = await client.get<ConfigMap>(CONFIG_MAPS, { namespace, name: 'stored' });
      expect(read).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } });
    });

    it('makes a name from generateName', async () => {
      const created = await client.create<ConfigMap>(CONFIG_MAPS, { metadata: { generateName: 'made-', namespace } });
      expect(created.metadata?.name).toMatch(/^made-.{5}$/);
    });

    it('tells a missing object, a taken name and a stale write apart', async () => {
      const created = await client.create<ConfigMap>(CONFIG_MAPS, configMap('apart', { n: '0' }));
      await client.update<ConfigMap>(CONFIG_MAPS, { ...created, data: { n: '1' } });
      const failures = await Promise.allSettled([
        client.get(CONFIG_MAPS, { namespace, name: 'nobody' }),
        client.create<ConfigMap>(CONFIG_MAPS, configMap('apart')),
        client.update<ConfigMap>(CONFIG_MAPS, { ...created, data: { n: '2' } }),
        client.delete(CONFIG_MAPS, { namespace, name: 'nobody' }),
      ]);
      const [get, create, update, remove] = failures.map((each) =>
        each.status === 'rejected' ? each.reason : undefined,
      );
      expect([isNotFound(get), isAlreadyExists(create), isConflict(update), isNotFound(remove)]).toEqual([
        true,
        true,
        true,
        true,
      ]);
    });

    it('reports an object that the server refuses as invalid or a bad request', async () => {
      const refused = await client.create<ConfigMap>(CONFIG_MAPS, configMap('Not A Name')).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(refused).toBeInstanceOf(KubeError);
      expect(['invalid', 'bad-request']).toContain((refused as KubeError).code);
    });

    it('patches by merge, by JSON patch and strategically', async () => {
      await client.create<ConfigMap>(CONFIG_MAPS, configMap('patched', { a: '1', b: '2' }));
      const target = { namespace, name: 'patched' };
      await client.patch(CONFIG_MAPS, target, 'merge', { data: { a: null, c: '3' } });
      await client.patch(CONFIG_MAPS, target, 'json', [{ op: 'replace', path: '/data/b', value: '20' }]);
      const result = await client.patch<ConfigMap>(CONFIG_MAPS, target, 'strategic', {
        metadata: { labels: { x: 'y' } },
      });
      expect(result.data).toEqual({ b: '20', c: '3' });
      expect(result.metadata?.labels).toMatchObject({ x: 'y' });
    });

    it('writes status apart from the rest', async () => {
      await client.create(NODES, { metadata: { name: 'contract-node' } });
      const node = await client.get<{
        metadata: { name: string };
        spec?: { podCIDR?: string };
        status?: { phase?: string };
      }>(NODES, { name: 'contract-node' });
      await client.updateStatus(NODES, { ...node, spec: { podCIDR: '10.9.0.0/24' }, status: { phase: 'Running' } });
      const after = await client.get<typeof node>(NODES, { name: 'contract-node' });
      expect([after.spec?.podCIDR, after.status?.phase]).toEqual([undefined, 'Running']);
      await client.delete(NODES, { name: 'contract-node' });
    });

    it('deletes only the object that was meant', async () => {
      const created = await client.create<ConfigMap>(CONFIG_MAPS, configMap('meant'));
      const name = { namespace, name: 'meant' };
      const other = client.delete(CONFIG_MAPS, name, { preconditions: { uid: 'another' } });
      expect(isConflict(await other.catch((error: unknown) => error))).toBe(true);
      await client.delete(CONFIG_MAPS, name, { preconditions: { uid: created.metadata?.uid ?? '' } });
      expect(isNotFound(await client.get(CONFIG_MAPS, name).catch((error: unknown) => error))).toBe(true);
    });

    it('lists by label, and page by page', async () => {
      for (let i = 0; i < 5; i++)
        await client.create<ConfigMap>(CONFIG_MAPS, configMap(`page-${i}`, {}, { paged: 'yes' }));
      const first = await client.list<ConfigMap>(CONFIG_MAPS, { namespace, labelSelector: 'paged=yes', limit: 2 });
      expect(first.items.map((item) => item.metadata?.name)).toEqual(['page-0', 'page-1']);
      expect(first.metadata.continue).toBeTruthy();
      const all = await listAll<ConfigMap>(client, CONFIG_MAPS, { namespace, labelSelector: 'paged=yes', limit: 2 });
      expect(all.items.map((item) => item.metadata?.name)).toEqual([0, 1, 2, 3, 4].map((i) => `page-${i}`));
    });

    it('watches from a position, in order, and ends when told to', async () => {
      const { metadata } = await client.list<ConfigMap>(CONFIG_MAPS, { namespace });
      const created = await client.create<ConfigMap>(CONFIG_MAPS, configMap('seen', { n: '1' }, { seen: 'yes' }));
      await client.update<ConfigMap>(CONFIG_MAPS, { ...created, data: { n: '2' } });
      await client.delete(CONFIG_MAPS, { namespace, name: 'seen' });
      const stop = new AbortController();
      const seen: WatchEvent<ConfigMap>[] = [];
      const options = { namespace, labelSelector: 'seen=yes', resourceVersion: metadata.resourceVersion };
      for await (const event of client.watch<ConfigMap>(CONFIG_MAPS, options, stop.signal)) {
        if (event.type !== 'BOOKMARK') seen.push(event);
        if (seen.length === 3) stop.abort();
      }
      expect(seen.map(({ type, object }) => [type, object.data?.['n']])).toEqual([
        ['ADDED', '1'],
        ['MODIFIED', '2'],
        ['DELETED', '2'],
      ]);
    });

    it('shows an object that leaves a selection as deleted from it', async () => {
      const created = await client.create<ConfigMap>(CONFIG_MAPS, configMap('leaver', {}, { club: 'in' }));
      const stop = new AbortController();
      const options = { namespace, labelSelector: 'club=in', resourceVersion: created.metadata?.resourceVersion ?? '' };
      await client.patch(CONFIG_MAPS, { namespace, name: 'leaver' }, 'merge', {
        metadata: { labels: { club: 'out' } },
      });
      const types: string[] = [];
      for await (const { type } of client.watch<ConfigMap>(CONFIG_MAPS, options, stop.signal)) {
        if (type === 'BOOKMARK') continue;
        types.push(type);
        stop.abort();
      }
      expect(types).toEqual(['DELETED']);
    });

    it('answers a watch from a position that is none with an error, not with silence', async () => {
      const stop = new AbortController();
      const failure = await (async () => {
        for await (const _ of client.watch(CONFIG_MAPS, { resourceVersion: 'rubbish' }, stop.signal)) break;
      })().then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure).toBeInstanceOf(KubeError);
      expect(isGone(failure) || ['bad-request', 'invalid', 'internal'].includes((failure as KubeError).code)).toBe(
        true,
      );
    });

    it('feeds an informer that follows adds, changes and deletes', async () => {
      const stop = new AbortController();
      const deltas: Delta<string | undefined>[] = [];
      const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
      await client.create<ConfigMap>(CONFIG_MAPS, configMap('followed-0', { n: 'a' }, { followed: 'yes' }));
      const following = informer<ConfigMap, string | undefined>(
        client,
        CONFIG_MAPS,
        {
          namespace,
          labelSelector: 'followed=yes',
          project: (item) => item.data?.['n'],
          onDelta: (delta) => {
            deltas.push(delta);
            if (deltas.length === 4) finish();
          },
        },
        stop.signal,
      );
      await following.synced;
      expect([...following.items]).toEqual([['contract/followed-0', 'a']]);
      const second = await client.create<ConfigMap>(
        CONFIG_MAPS,
        configMap('followed-1', { n: 'b' }, { followed: 'yes' }),
      );
      await client.update<ConfigMap>(CONFIG_MAPS, { ...second, data: { n: 'c' } });
      await client.delete(CONFIG_MAPS, { namespace, name: 'followed-0' });
      await finished;
      stop.abort();
      await following.done;
      expect(deltas).toEqual([
        { kind: 'set', key: 'contract/followed-0', object: 'a', previous: undefined },
        { kind: 'set', key: 'contract/followed-1', object: 'b', previous: undefined },
        { kind: 'set', key: 'contract/followed-1', object: 'c', previous: 'b' },
        { kind: 'delete', key: 'contract/followed-0', previous: 'a' },
      ]);
    });

    it('binds a pod to a node', async () => {
      const pod: Pod = {
        metadata: { name: 'bound', namespace },
        spec: { containers: [{ name: 'c', image: 'nginx' }] },
      };
      await client.create<Pod>(PODS, pod);
      await client.createSubresource(PODS, { namespace, name: 'bound' }, 'binding', {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: 'bound' },
        target: { kind: 'Node', name: 'node-1' },
      } as object);
      expect((await client.get<Pod>(PODS, { namespace, name: 'bound' })).spec?.nodeName).toBe('node-1');
    });
  });
}
