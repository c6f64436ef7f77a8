import { expect, it } from 'vitest';
import { jsonLogger } from '../../base/log.ts';
import { BUNDLE_VERSION } from '../../core/gateway/index.ts';
import { KubeError } from '../../host/kube-client/errors.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { CUSTOM_RESOURCE_DEFINITIONS } from '../../host/kube-client/resources.ts';
import { feedReleases } from './gateway-releases.ts';

/** Lists of definitions are denied for as long as this says so. */
class DenyingClient extends MemoryKubeClient {
  denies = true;

  override list: MemoryKubeClient['list'] = (...question) =>
    this.denies ? Promise.reject(new KubeError('forbidden', 'you may not list')) : super.list(...question);
}

const definition = (name: string, group: string, version?: string): object => ({
  metadata: { name, annotations: version === undefined ? {} : { [BUNDLE_VERSION]: version } },
  spec: { group },
});

it('goes on without definitions that may not be read, says so once, and has them when they may', async () => {
  const client = new DenyingClient();
  for (const each of [
    definition('gateways.gateway.networking.k8s.io', 'gateway.networking.k8s.io', 'v1.4.0'),
    definition('httproutes.gateway.networking.k8s.io', 'gateway.networking.k8s.io'),
    definition('others.example.com', 'example.com', 'v9'),
  ])
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, each);
  const lines: string[] = [];
  const log = jsonLogger({ level: 'info' }, { write: (line) => lines.push(line), now: () => '' });
  let changes = 0;
  const stop = new AbortController();
  const feed = feedReleases({ client, log, onChange: () => changes++ }, stop.signal);
  await feed.synced;
  expect(feed.releases()).toEqual({});
  expect(changes).toBe(0);
  client.denies = false;
  await expect
    .poll(() => feed.releases().definitions)
    .toEqual(
      new Map([
        ['gateways.gateway.networking.k8s.io', 'v1.4.0'],
        ['httproutes.gateway.networking.k8s.io', ''],
      ]),
    );
  expect(changes).toBeGreaterThan(0);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('may not read definitions');
  stop.abort();
  await feed.done;
});
