import { expect, it } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { MemoryKubeClient } from '../../host/kube-client/memory-client.ts';
import { INGRESSES } from '../../host/kube-client/resources.ts';
import { feedIngresses } from './ingress-feed.ts';

it('reads Ingresses of extensions/v1beta1 where the API server has no others', async () => {
  const client = new MemoryKubeClient();
  client.serve(INGRESSES, false);
  const old = { ...INGRESSES, group: 'extensions', version: 'v1beta1' };
  const backend = { serviceName: 'cbs-apiserver', servicePort: 8000 };
  const rules = [{ host: 'apiserver.example.test', http: { paths: [{ backend }] } }];
  await client.create(old, { metadata: { name: 'old', namespace: 'default' }, spec: { rules } } as object);
  const stop = new AbortController();
  const feed = await feedIngresses({ client, log: silentLogger, onChange: () => undefined }, stop.signal);
  await feed.synced;
  expect(feed.resource).toMatchObject({ group: 'extensions', version: 'v1beta1' });
  expect(feed.world().ingresses[0]?.spec?.rules?.[0]?.http?.paths).toEqual([
    { pathType: 'ImplementationSpecific', backend: { service: { name: 'cbs-apiserver', port: { number: 8000 } } } },
  ]);
  stop.abort();
  await feed.done;
});
