import { beforeEach, describe, expect, it } from 'vitest';
import type { SluiceError } from '../../base/errors.ts';
import { KubeError, isAlreadyExists, isConflict, isGone, isNotFound } from '../kube-client/errors.ts';
import { informer } from '../kube-client/informer.ts';
import type { Delta } from '../kube-client/informer.ts';
import { listAll } from '../kube-client/list-all.ts';
import { MemoryKubeClient } from '../kube-client/memory-client.ts';
import {
  CALICO_NETWORK_POLICIES,
  CLUSTER_INFORMATIONS,
  CONFIG_MAPS,
  GLOBAL_NETWORK_POLICIES,
  IPAM_CONFIGS,
  IPAM_HANDLES,
  IP_POOLS,
} from '../kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource, WatchEvent } from '../kube-client/types.ts';
import { lockableClient } from '../datastore/lockable-client.ts';
import { lendEtcd } from './lend-etcd.test-support.ts';
import { etcdKubeClient } from './kube-client.ts';
import type { Etcd } from './types.ts';

/** The kinds as etcd has them: the second of their groups. */
const POLICIES = CALICO_NETWORK_POLICIES[1]!;
const GLOBAL_POLICIES = GLOBAL_NETWORK_POLICIES[1]!;
const ROOT = '/calico/resources/v3/projectcalico.org';

interface Policy extends KubeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly order?: number };
  readonly status?: object;
}

let etcd: Etcd;
let kubernetes: MemoryKubeClient;
let client: KubeClient;
let reports: string[];

lendEtcd((lent) => ({ etcd } = lent));
beforeEach(async () => {
  await etcd.delete({ prefix: '/calico/' });
  reports = [];
  kubernetes = new MemoryKubeClient();
  client = etcdKubeClient({ etcd, heedsLock: false, kubernetes, report: (message) => reports.push(message) });
});

const policy = (name: string, order = 1, labels: Record<string, string> = {}): Policy => ({
  metadata: { name, namespace: 'web', labels },
  spec: { order },
});

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function valueAt(key: string): Promise<unknown> {
  const { items } = await etcd.range({ key });
  return items[0] === undefined ? undefined : (JSON.parse(items[0].value) as unknown);
}

describe("Calico's kinds in etcd", () => {
  it("lie under Calico's keys as Calico writes them, and all others in Kubernetes", async () => {
    const created = await client.create<Policy>(POLICIES, policy('default.allow'));
    await client.create<Policy>(GLOBAL_POLICIES, { metadata: { name: 'deny' } });
    await client.create(CONFIG_MAPS, { metadata: { name: 'x', namespace: 'web' } });
    expect(await valueAt(`${ROOT}/networkpolicies/web/default.allow`)).toMatchObject({
      kind: 'NetworkPolicy',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name: 'default.allow', namespace: 'web', uid: created.metadata.uid },
      spec: { order: 1 },
    });
    expect(await valueAt(`${ROOT}/globalnetworkpolicies/deny`)).toMatchObject({ kind: 'GlobalNetworkPolicy' });
    expect((await kubernetes.list(CONFIG_MAPS)).items).toHaveLength(1);
    expect(created).toMatchObject({ apiVersion: 'crd.projectcalico.org/v1', kind: 'NetworkPolicy' });
  });

  it('are in one of the two groups that they may be in, so that they are there once', async () => {
    expect(isNotFound(await failureOf(client.list(CALICO_NETWORK_POLICIES[0]!)))).toBe(true);
  });

  it('tell a missing object, a taken name and a stale write apart', async () => {
    const created = await client.create<Policy>(POLICIES, policy('a'));
    const updated = await client.update<Policy>(POLICIES, { ...created, spec: { order: 2 } });
    const failures = await Promise.all([
      failureOf(client.get(POLICIES, { name: 'nobody', namespace: 'web' })),
      failureOf(client.create<Policy>(POLICIES, policy('a'))),
      failureOf(client.update<Policy>(POLICIES, { ...created, spec: { order: 3 } })),
      failureOf(client.delete(POLICIES, { name: 'nobody', namespace: 'web' })),
      failureOf(
        client.delete(
          POLICIES,
          { name: 'a', namespace: 'web' },
          { preconditions: { resourceVersion: created.metadata.resourceVersion ?? '' } },
        ),
      ),
      failureOf(client.update<Policy>(POLICIES, policy('nobody'))),
    ]);
    const expected = [isNotFound, isAlreadyExists, isConflict, isNotFound, isConflict, isNotFound];
    expect(failures.map((failure, i) => expected[i]!(failure))).toEqual(expected.map(() => true));
    const resourceVersion = updated.metadata.resourceVersion ?? '';
    await client.delete(POLICIES, { name: 'a', namespace: 'web' }, { preconditions: { resourceVersion } });
    expect((await client.list(POLICIES)).items).toEqual([]);
  });

  it('keep who they are and their status when their spec is written, and the spec when the status is', async () => {
    const pool = { metadata: { name: 'p' }, spec: { cidr: '10.0.0.0/16' } };
    const { uid } = (await client.create<Policy>(IP_POOLS, pool as Policy)).metadata;
    await client.patch(IP_POOLS, { name: 'p' }, 'merge', { status: { blocks: 3 } }, { subresource: 'status' });
    await client.update(IP_POOLS, { metadata: { name: 'p' }, spec: { cidr: '10.1.0.0/16' } } as object);
    await client.patch(IP_POOLS, { name: 'p' }, 'json', [{ op: 'add', path: '/spec/disabled', value: true }]);
    expect(await client.get(IP_POOLS, { name: 'p' })).toMatchObject({
      metadata: { uid },
      spec: { cidr: '10.1.0.0/16', disabled: true },
      status: { blocks: 3 },
    });
  });

  it('are listed by namespace and label, and page by page as they were at the first page', async () => {
    for (let i = 0; i < 5; i++) await client.create<Policy>(POLICIES, policy(`p${i}`, i, { odd: String(i % 2) }));
    await client.create<Policy>(POLICIES, { ...policy('p9'), metadata: { name: 'p9', namespace: 'web-2' } });
    const first = await client.list<Policy>(POLICIES, { namespace: 'web', limit: 2 });
    await client.delete(POLICIES, { name: 'p3', namespace: 'web' });
    const rest = await client.list<Policy>(POLICIES, { namespace: 'web', continue: first.metadata.continue ?? '' });
    const names = [...first.items, ...rest.items].map(({ metadata }) => metadata.name);
    expect(names).toEqual(['p0', 'p1', 'p2', 'p3', 'p4']);
    const odd = await listAll<Policy>(client, POLICIES, { labelSelector: 'odd=0', limit: 1 });
    expect(odd.items.map(({ metadata }) => metadata.name)).toEqual(['p0', 'p2', 'p4']);
    await etcd.compact((await etcd.range({ key: 'x' })).revision);
    const token = first.metadata.continue ?? '';
    expect(isGone(await failureOf(client.list(POLICIES, { namespace: 'web', continue: token })))).toBe(true);
  });

  it('are watched from a position, in order, and leave a selection as if they were deleted', async () => {
    const { metadata } = await client.list(POLICIES);
    const created = await client.create<Policy>(POLICIES, policy('w', 1, { in: 'yes' }));
    const moved = await client.update<Policy>(POLICIES, { ...created, metadata: { ...created.metadata, labels: {} } });
    await client.update<Policy>(POLICIES, { ...moved, metadata: { ...moved.metadata, labels: { in: 'yes' } } });
    await client.delete(POLICIES, { name: 'w', namespace: 'web' });
    const stop = new AbortController();
    const seen: WatchEvent<Policy>[] = [];
    const options = { resourceVersion: metadata.resourceVersion, labelSelector: 'in=yes' };
    for await (const event of client.watch<Policy>(POLICIES, options, stop.signal)) {
      seen.push(event);
      if (seen.length === 4) stop.abort();
    }
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'DELETED', 'ADDED', 'DELETED']);
    expect(seen[3]!.object.metadata.name).toBe('w');
    const versions = seen.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  });

  it('are all read anew, which is reported, when etcd has compacted what a watch was to read', async () => {
    await client.create<Policy>(POLICIES, policy('before'));
    const position = (await client.list(POLICIES)).metadata.resourceVersion;
    await client.delete(POLICIES, { name: 'before', namespace: 'web' });
    const created = await client.create<Policy>(POLICIES, policy('after'));
    await etcd.compact(Number(created.metadata.resourceVersion));
    // A client whose first list is old, as after a long partition.
    let lists = 0;
    const stale: KubeClient = {
      ...methodsOf(client),
      list: async <T extends KubeObject>(resource: Resource) => {
        const list = await client.list<T>(resource);
        return lists++ > 0
          ? list
          : { metadata: { resourceVersion: position }, items: [policy('before') as unknown as T] };
      },
    };
    const stop = new AbortController();
    const deltas: string[] = [];
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const following = informer<Policy, number>(
      stale,
      POLICIES,
      {
        project: ({ spec }) => spec?.order ?? 0,
        onDelta: ({ kind, key }: Delta<number>) => {
          deltas.push(`${kind} ${key}`);
          if (key === 'web/after') resolve();
        },
      },
      stop.signal,
    );
    await done;
    stop.abort();
    await following.done;
    expect(deltas).toEqual(['set web/before', 'delete web/before', 'set web/after']);
    expect(reports).toEqual([`etcd has compacted revision ${Number(position) + 1}: all networkpolicies are read anew`]);
  });

  it('that cannot be read are reported and left out', async () => {
    await client.create<Policy>(POLICIES, policy('good'));
    await etcd.put(`${ROOT}/networkpolicies/web/bad`, '{');
    expect((await client.list<Policy>(POLICIES)).items.map(({ metadata }) => metadata.name)).toEqual(['good']);
    expect(reports).toEqual([`etcd has something else than one of networkpolicies at ${ROOT}/networkpolicies/web/bad`]);
  });

  it.each(['a/b', ''])("are not called '%s'", async (name) => {
    const failure = await failureOf(client.create<Policy>(POLICIES, policy(name)));
    expect(failure).toBeInstanceOf(KubeError);
    expect((failure as KubeError).code).toBe('invalid');
  });

  it("have address management's configuration and handles in Calico's older form", async () => {
    const spec = { strictAffinity: true, autoAllocateBlocks: true, maxBlocksPerHost: 4 };
    await client.create(IPAM_CONFIGS, { metadata: { name: 'default' }, spec } as object);
    const handle = { handleID: 'net.abc', block: { '10.0.0.0/26': 1 }, deleted: false };
    await client.create(IPAM_HANDLES, { metadata: { name: 'net.abc' }, spec: handle } as object);
    expect(await valueAt('/calico/ipam/v2/config')).toEqual({
      strict_affinity: true,
      auto_allocate_blocks: true,
      maxBlocksPerHost: 4,
    });
    expect(await valueAt('/calico/ipam/v2/handle/net.abc')).toEqual({ block: { '10.0.0.0/26': 1 }, deleted: false });
    expect((await client.list(IPAM_CONFIGS)).items).toMatchObject([{ metadata: { name: 'default' }, spec }]);
    expect((await client.list(IPAM_HANDLES)).items).toMatchObject([{ spec: handle }]);
  });
});

describe('a locked datastore', () => {
  it("takes no write of Calico's kinds until it is unlocked, and all others", async () => {
    const stop = new AbortController();
    const information = { metadata: { name: 'default' }, spec: { datastoreReady: false } } as object;
    await client.create(CLUSTER_INFORMATIONS, information);
    const guarded = lockableClient(
      client,
      (what, error) => {
        throw new Error(what, { cause: error });
      },
      stop.signal,
    );
    const write = (): Promise<unknown> => guarded.create<Policy>(POLICIES, policy('late'));
    const refused = await failureOf(write());
    expect((refused as SluiceError).code).toBe('datastore-locked');
    await guarded.create(CONFIG_MAPS, { metadata: { name: 'x', namespace: 'web' } });
    expect((await guarded.list(POLICIES)).items).toEqual([]);
    await client.update(CLUSTER_INFORMATIONS, {
      metadata: { name: 'default' },
      spec: { datastoreReady: true },
    } as object);
    await expect.poll(() => failureOf(write())).toSatisfy((error) => error === undefined || isAlreadyExists(error));
    stop.abort();
  });
});

describe('a locked etcd', () => {
  it('takes no write, not even of those who have not heard of the lock, and goes on where it was', async () => {
    const agent = etcdKubeClient({ etcd, heedsLock: true, report: () => undefined });
    const created = await agent.create<Policy>(POLICIES, policy('early'));
    const information = { metadata: { name: 'default' }, spec: { datastoreReady: false } } as object;
    await client.create(CLUSTER_INFORMATIONS, information);
    const refused = await Promise.all([
      failureOf(agent.create<Policy>(POLICIES, policy('late'))),
      failureOf(agent.update<Policy>(POLICIES, { ...created, spec: { order: 2 } })),
      failureOf(agent.delete(POLICIES, { name: 'early', namespace: 'web' })),
    ]);
    expect(refused.map((error) => (error as SluiceError).code)).toEqual(refused.map(() => 'datastore-locked'));
    expect((await agent.list<Policy>(POLICIES)).items).toEqual([created]);
    await client.patch(CLUSTER_INFORMATIONS, { name: 'default' }, 'merge', { spec: { datastoreReady: true } });
    await agent.update<Policy>(POLICIES, { ...created, spec: { order: 2 } });
    expect(isConflict(await failureOf(agent.update<Policy>(POLICIES, { ...created, spec: { order: 3 } })))).toBe(true);
    expect(isAlreadyExists(await failureOf(agent.create<Policy>(POLICIES, policy('early'))))).toBe(true);
  });
});

function methodsOf(from: KubeClient): KubeClient {
  return {
    list: (...args) => from.list(...args),
    get: (...args) => from.get(...args),
    create: (...args) => from.create(...args),
    createSubresource: (...args) => from.createSubresource(...args),
    update: (...args) => from.update(...args),
    updateStatus: (...args) => from.updateStatus(...args),
    patch: (...args) => from.patch(...args),
    delete: (...args) => from.delete(...args),
    watch: (...args) => from.watch(...args),
  };
}
