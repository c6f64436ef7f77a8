import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from './harness.ts';
import { EchoStream } from './stream.ts';

const CUT = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: only-friends, namespace: live }
spec:
  podSelector: { matchLabels: { run: server } }
  policyTypes: [Ingress]
  ingress:
    - from:
        - podSelector: { matchLabels: { friend: 'yes' } }
`;

/** Policies and labels that change while connections are open. */
export function describeLiveChanges(running: () => TestCluster): void {
  describe('connections that are open while something changes', () => {
    beforeAll(async () => {
      const cluster = running();
      await cluster.ok('create namespace live');
      for (const name of ['server', 'stranger'])
        await cluster.ok(`run ${name} -n live --image=busybox -- sleep infinity`);
      await cluster.ok('run friend -n live --image=busybox --labels=friend=yes -- sleep infinity');
      await cluster.ready('live');
    });
    afterAll(() => running().clear('live'));

    it('are cut by a policy that denies them, while those that it allows go on', async () => {
      const cluster = running();
      using denied = await EchoStream.open(cluster, 'live/stranger', 'live/server', 5001);
      using allowed = await EchoStream.open(cluster, 'live/friend', 'live/server', 5002);
      await cluster.apply(CUT);
      await denied.stalls();
      await allowed.flows();
      await cluster.agrees('live');
    });

    it('follow a pod that is relabelled, in both directions', async () => {
      const cluster = running();
      using stream = await EchoStream.open(cluster, 'live/friend', 'live/server', 5003);
      await cluster.ok('label pod friend -n live friend-');
      await stream.stalls();
      await expect.poll(() => cluster.reaches('live/friend', 'live/server', 80)).toBe(false);
      await cluster.ok('label pod stranger -n live friend=yes');
      await cluster.agrees('live');
      expect(await cluster.reaches('live/stranger', 'live/server', 80)).toBe(true);
    });

    it('may begin again when the policy is taken back', async () => {
      const cluster = running();
      await cluster.ok('delete networkpolicy only-friends -n live');
      await cluster.agrees('live');
      using stream = await EchoStream.open(cluster, 'live/friend', 'live/server', 5004);
      await stream.flows();
    });

    it('do not let a pod start unprotected: a new pod that a policy selects is never open', async () => {
      const cluster = running();
      await cluster.ok('apply -n live -f examples/5-default-policies/default-deny-ingress.yaml');
      await cluster.ok('run late -n live --image=nginx --port=80');
      await cluster.ready('live');
      expect(await cluster.reaches('live/friend', 'live/late', 80)).toBe(false);
      await cluster.agrees('live');
    });
  });
}
