import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NetworkPolicy } from '../../src/core/kube/types.ts';
import { NAMESPACES, NETWORK_POLICIES, PODS } from '../../src/host/kube-client/resources.ts';
import { arbitraryCluster } from '../golden/arbitrary-cluster.ts';
import type { OracleCluster } from '../golden/oracle.ts';
import { TestCluster } from './harness.ts';

/** Pods of each namespace; named ports mean different numbers on different pods. */
const NAMES = ['a', 'b', 'c'];
const NAMESPACE_NAMES = ['ns-0', 'ns-1', 'ns-2'];
const CASES = 32;
/** Change it to try other clusters; a failure names its case. */
const SEED = 20_240_229;

/**
 * Generated policies and labels on a cluster of nine pods: after each, every connection between pods, from nodes, to nodes and to the
 * outside is tried with real packets and must go as the policy engine says.
 */
describe('generated policies in the kernel and in the engine', () => {
  let cluster: TestCluster;
  let [tried, denied] = [0, 0];
  beforeAll(async () => {
    cluster = await TestCluster.start({ backend: 'vxlan', ipFamily: 'dual' });
    for (const name of NAMESPACE_NAMES) await cluster.ok(`create namespace ${name}`);
    const items = NAMESPACE_NAMES.flatMap((namespace, i) => NAMES.map((name, j) => podOf(namespace, name, i + j)));
    await cluster.ok('apply -f -', JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await cluster.ready(...NAMESPACE_NAMES);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const cases = fc.sample(arbitraryCluster, { numRuns: CASES, seed: SEED });
  it.each(cases.map((generated, i) => [i, generated] as const))('case %i', async (_index, generated) => {
    await arrange(cluster, generated);
    const seen = await cluster.agrees('*', ...NAMESPACE_NAMES);
    expect(seen.tried).toBeGreaterThan(500);
    tried += seen.tried;
    denied += seen.denied;
  });

  it('tried thousands of connections of either verdict', () => {
    expect(denied).toBeGreaterThan(2000);
    expect(tried - denied).toBeGreaterThan(2000);
  });
});

/** A pod that declares TCP 80 or 8080 as `http` and UDP 53 as `dns`, depending on `variant`. */
function podOf(namespace: string, name: string, variant: number): object {
  const http = { name: 'http', containerPort: variant % 2 === 0 ? 80 : 8080 };
  const dns = { name: 'dns', containerPort: 53, protocol: 'UDP' };
  const ports = variant % 3 === 0 ? [http] : [http, dns];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: 'a' } },
    spec: { containers: [{ name: 'main', image: 'nginx', ports }] },
  };
}

/** Gives the cluster the labels and the policies of a generated one. */
async function arrange({ client }: TestCluster, generated: OracleCluster): Promise<void> {
  const existing = await client.list<NetworkPolicy>(NETWORK_POLICIES);
  for (const { metadata } of existing.items) {
    await client.delete(NETWORK_POLICIES, { name: metadata!.name!, namespace: metadata!.namespace! });
  }
  for (const [i, name] of NAMESPACE_NAMES.entries()) {
    const labels = generated.namespaces[i]?.metadata?.labels ?? {};
    await client.patch(NAMESPACES, { name }, 'merge', { metadata: { labels: replacing(['env', 'team'], labels) } });
  }
  const pods = NAMESPACE_NAMES.flatMap((namespace) => NAMES.map((name) => ({ namespace, name })));
  for (const [i, pod] of pods.entries()) {
    const labels = generated.pods[i % generated.pods.length]?.metadata?.labels ?? {};
    await client.patch(PODS, pod, 'merge', { metadata: { labels: replacing(['app', 'tier'], labels) } });
  }
  for (const policy of generated.networkPolicies) await client.create(NETWORK_POLICIES, policy);
}

/** A merge patch that sets `labels` and takes the other `keys` away. */
function replacing(keys: readonly string[], labels: Readonly<Record<string, string>>): Record<string, string | null> {
  return Object.fromEntries(keys.map((key) => [key, labels[key] ?? null]));
}
