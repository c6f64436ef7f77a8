import { expect } from 'vitest';
import type { BackendName } from '../../core/routing/index.ts';
import { NETWORK_POLICIES } from '../../host/kube-client/resources.ts';
import { TestCluster, eventually } from './cluster.test-support.ts';
import type { TestPod } from './cluster.test-support.ts';

// Emulated machines are slow.
export const PATIENCE = 180_000;
const DUAL = ['10.244.0.0/16', 'fd00:10:244::/56'];

const denyAll = {
  metadata: { name: 'deny-all', namespace: 'default' },
  spec: { podSelector: {}, policyTypes: ['Ingress'] },
} as object;

interface PoolSpec {
  readonly vxlanMode?: string;
  readonly ipipMode?: string;
  readonly natOutgoing?: boolean;
}

/** Two pods on the first node of segment a, one on its second, and one on segment b where the backend reaches that. */
export interface Scene {
  readonly cluster: TestCluster;
  readonly first: TestPod;
  readonly beside: TestPod;
  readonly near: TestPod;
  readonly far: TestPod | undefined;
}

export async function scene(
  backend: BackendName,
  { pools = DUAL, poolSpec = {} }: { readonly pools?: readonly string[]; readonly poolSpec?: PoolSpec },
  prepare: (cluster: TestCluster) => Promise<unknown> = async () => undefined,
): Promise<Scene> {
  const cluster = await TestCluster.create({ backend, pools, poolSpec });
  await prepare(cluster);
  await cluster.addNode('n1');
  await cluster.addNode('n2');
  const reachesFar = backend !== 'host-gw' || (poolSpec.vxlanMode ?? 'Never') !== 'Never';
  if (reachesFar) await cluster.addNode('n3', 'b');
  return {
    cluster,
    first: await cluster.addPod('n1', 'first'),
    beside: await cluster.addPod('n1', 'beside'),
    near: await cluster.addPod('n2', 'near'),
    far: reachesFar ? await cluster.addPod('n3', 'far') : undefined,
  };
}

const reach = ({ cluster, first }: Scene, address: string, ...options: readonly string[]) =>
  cluster.run(first.netns, ['ping', '-c', '1', '-W', '1', ...options, address]);

export async function reaches(setting: Scene, address: string, ...options: readonly string[]): Promise<boolean> {
  return (await reach(setting, address, ...options)).code === 0;
}

/** Pods reach each other in all families, whichever node they are on, and policy decides. */
export async function expectConnected(setting: Scene): Promise<void> {
  const { cluster, first, beside, near, far } = setting;
  const others = [beside, near, ...(far === undefined ? [] : [far])];
  for (const address of others.flatMap(({ ips }) => ips))
    await eventually(() => reaches(setting, address), PATIENCE).catch((error: unknown) => {
      throw new Error(`pod first cannot reach ${address}`, { cause: error });
    });
  for (const address of first.ips) await eventually(() => cluster.pings(near.netns, address));
  await cluster.client.create(NETWORK_POLICIES, denyAll);
  await eventually(async () => !(await reaches(setting, near.ips[0]!)), PATIENCE);
  await cluster.client.delete(NETWORK_POLICIES, { namespace: 'default', name: 'deny-all' });
  await eventually(() => reaches(setting, near.ips[0]!), PATIENCE);
}

/** The largest packets pass in one piece, larger ones are refused with the number that would. */
export async function expectMtu(setting: Scene, address: string, mtu: number): Promise<void> {
  const headers = address.includes(':') ? 48 : 28;
  const refused = { code: 1, output: expect.stringMatching(new RegExp(`mtu[ =]*:? ?${mtu}`, 'iu')) };
  const echo = (size: number) => reach(setting, address, '-M', 'do', '-s', String(size - headers));
  await expect.poll(() => echo(mtu)).toEqual({ code: 0, output: expect.stringContaining(' 0% packet loss') });
  await expect.poll(() => echo(mtu + 1)).toEqual(refused);
}
