import { expect, it } from 'vitest';
import { parseIp } from '../../base/ip/index.ts';
import { podEndpoint } from '../../core/policy/endpoints.ts';
import { clusterStateOf } from './cluster-view.ts';
import type { EndpointRecord } from './endpoint-record.ts';

it('knows a pod by the address of its new sandbox while its status still shows the one before', () => {
  const pod = podEndpoint({ metadata: { name: 'a', namespace: 'n' }, status: { podIP: '10.244.0.2' } });
  const [before, now] = ['10.244.0.2', '10.244.0.3'].map((text) => parseIp(text)!);
  const local = [{ namespace: 'n', pod: 'a', addresses: [now] }] as unknown as EndpointRecord[];
  const nothing = { items: new Map<string, never>() };
  const none = () => [];
  const extended = {
    tiers: none,
    networkSets: none,
    hostEndpoints: () => new Map(),
    profiles: none,
    settings: undefined,
  };
  const view = {
    pods: { items: new Map([['n/a', pod]]) },
    namespaces: nothing,
    nodes: nothing,
    serviceAccounts: nothing,
  };
  const state = clusterStateOf({ ...view, policies: none, slices: none, extended }, local);
  expect(state.pods.get('n/a')?.addresses).toEqual([before, now]);
});
