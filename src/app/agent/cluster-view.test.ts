import { expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { podEndpoint } from '../../core/policy/endpoints.ts';
import { clusterStateOf } from './cluster-view.ts';
import type { EndpointRecord } from './endpoint-record.ts';

it('knows a pod by the address of its new sandbox while its status still shows the one before', () => {
  const pod = podEndpoint({ metadata: { name: 'a', namespace: 'n' }, status: { podIP: '10.244.0.2' } });
  const [before, now] = ['10.244.0.2', '10.244.0.3'].map((text) => parseIp(text)!);
  const local = [{ namespace: 'n', pod: 'a', addresses: [now] }] as unknown as EndpointRecord[];
  const nothing = new Map<string, never>();
  const view = { pods: new Map([['n/a', pod]]), namespaces: nothing, nodes: nothing, policies: nothing, local };
  expect(clusterStateOf(view).pods.get('n/a')?.addresses).toEqual([before, now]);
});
