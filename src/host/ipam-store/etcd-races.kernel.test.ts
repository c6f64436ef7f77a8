import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseCidr } from '../../base/ip/index.ts';
import { etcdClient } from '../etcd/client.ts';
import { parseEndpoints } from '../etcd/endpoint.ts';
import { EtcdServer } from '../etcd/etcd.test-support.ts';
import { etcdKubeClient } from '../etcd/kube-client.ts';
import type { Etcd } from '../etcd/types.ts';
import { informer } from '../kube-client/informer.ts';
import { MemoryKubeClient } from '../kube-client/memory-client.ts';
import { IPAM_BLOCKS, IPAM_CONFIGS, IP_POOLS } from '../kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../kube-client/types.ts';
import { openNetlink } from '../netlink/kernel.ts';
import { createNetns } from '../netns/netns.ts';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { kubeBlockStore } from './kube-block-store.ts';
import { AddressRace } from './race.test-support.ts';

const directory = enterPrivateNetwork();

/** The links to the server with our and its address: cutting one cuts off half of the nodes. */
const LINKS = [
  { name: 'a', near: '10.99.1.2/24', far: '10.99.1.1/24', server: '10.99.1.1' },
  { name: 'b', near: '10.99.2.2/24', far: '10.99.2.1/24', server: '10.99.2.1' },
] as const;

/** Milliseconds that a call may take: over the link that is cut so few that it is noticed soon. */
const PATIENCE = { a: 240_000, b: 700 };

describe.skipIf(directory === undefined)('nodes that race for addresses in etcd', () => {
  const clients: Etcd[] = [];
  let server: EtcdServer;

  beforeAll(async () => {
    const netns = join(directory!, 'etcd');
    createNetns(netns);
    for (const link of LINKS) connectTo(netns, link);
    server = await EtcdServer.start({
      netns,
      clientUrls: LINKS.map(({ server: ip }) => `http://${ip}:2379`).join(','),
      // As often as no other client asks for signs of life.
      arguments: ['--grpc-keepalive-min-time', '50ms'],
    });
    const kube = kubeOver(open(LINKS[0]));
    await kube.create(IP_POOLS, named('pool', { cidr: '10.0.0.0/24', blockSize: 28 }));
    await kube.create(IPAM_CONFIGS, named('default', { autoAllocateBlocks: true, maxBlocksPerHost: 20 }));
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await server[Symbol.asyncDispose]();
  });

  it('never share one and lose none, though links are cut, etcd is killed and its history compacted', async () => {
    const [steady, shaky] = LINKS.map(open) as [Etcd, Etcd];
    const race = new AddressRace(6, (node) => storeOver(/[135]$/.test(node) ? shaky : steady));
    const stop = new AbortController();
    const running = race.run(stop.signal);
    const watch = new AbortController();
    const copy = informer<KubeObject, string>(
      kubeOver(open(LINKS[1])),
      IPAM_BLOCKS,
      { project: ({ metadata }) => (metadata as { resourceVersion: string }).resourceVersion, backoff: 20 },
      watch.signal,
    );

    await race.progress(300);
    setUp('b', false);
    const before = race.failed;
    await race.progress(300);
    await expect.poll(() => race.failed, { timeout: 240_000 }).toBeGreaterThan(before);
    await forgetHistory(steady);
    setUp('b', true);
    await race.progress(300);

    await server.kill();
    await server.start();
    await race.progress(300);
    await forgetHistory(steady);
    await race.progress(300);

    stop.abort();
    await running;
    expect(race.twice).toEqual([]);
    // Half of the nodes give up soon, which a busy machine may make them do once more.
    const { stored, held } = await vi.waitFor(() => race.settle(), { timeout: 240_000 });
    expect(held.length).toBeGreaterThan(0);
    expect(stored).toEqual(held);
    // An agent's copy of all blocks has come through everything, too.
    const { items } = await kubeOver(steady).list<KubeObject>(IPAM_BLOCKS);
    const now = items.map(({ metadata }) => metadata as { name: string; resourceVersion: string });
    await expect
      .poll(() => new Map(copy.items), { timeout: 240_000 })
      .toEqual(new Map(now.map(({ name, resourceVersion }) => [name, resourceVersion] as const)));
    watch.abort();
    await copy.done;
  });

  it('and a watch over a link that is cut ends by itself, so that it can go on elsewhere', async () => {
    const endpoints = parseEndpoints(`http://${LINKS[1].server}:2379`);
    const watcher = etcdClient({ endpoints, keepalive: 2000 });
    clients.push(watcher);
    const started = await open(LINKS[0]).put('/watched', '1');
    const failure = Promise.withResolvers<unknown>();
    const first = Promise.withResolvers<void>();
    const follow = async (): Promise<void> => {
      for await (const _ of watcher.watch({ key: '/watched' }, started, new AbortController().signal)) first.resolve();
    };
    follow().catch(failure.resolve);
    await first.promise;
    setUp('b', false);
    expect(await failure.promise).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no answer to a ping'),
    });
    setUp('b', true);
  });

  function open(link: (typeof LINKS)[number]): Etcd {
    const client = etcdClient({
      endpoints: parseEndpoints(`http://${link.server}:2379`),
      timeout: PATIENCE[link.name],
    });
    clients.push(client);
    return client;
  }
});

function kubeOver(etcd: Etcd): KubeClient {
  return etcdKubeClient({ etcd, heedsLock: true, kubernetes: new MemoryKubeClient(), report: () => undefined });
}

function storeOver(etcd: Etcd) {
  return kubeBlockStore({ client: kubeOver(etcd), report: () => undefined });
}

function named(name: string, spec: object): KubeObject {
  return { metadata: { name }, spec } as KubeObject;
}

async function forgetHistory(etcd: Etcd): Promise<void> {
  await etcd.compact((await etcd.range({ key: 'nothing' })).revision);
}

function connectTo(netns: string, { name, near, far }: (typeof LINKS)[number]): void {
  using here = openNetlink();
  using there = openNetlink({ netns });
  const peer = { name, netns };
  here.apply([{ kind: 'add-link', link: { type: 'veth', name, up: true, peer } }]);
  here.apply([{ kind: 'add-address', address: { link: name, address: parseCidr(near)! } }]);
  there.apply([
    { kind: 'set-link', link: name, up: true },
    { kind: 'add-address', address: { link: name, address: parseCidr(far)! } },
  ]);
}

function setUp(link: string, up: boolean): void {
  using netlink = openNetlink();
  netlink.apply([{ kind: 'set-link', link, up }]);
}
