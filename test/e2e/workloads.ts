import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type TestCluster } from './harness.ts';

/** Deployments, Jobs, deletion and draining, as kubectl sees them. */
export function describeWorkloads(running: () => TestCluster): void {
  describe('workloads', () => {
    beforeAll(() => running().ok('create namespace work'));
    afterAll(() => running().clear('work'));

    it('roll out, roll back and scale', async () => {
      const cluster = running();
      const image = (): Promise<string> =>
        cluster.ok('get deployment web -n work -o jsonpath={.spec.template.spec.containers[0].image}');
      await cluster.ok('create deployment web -n work --image=nginx --replicas=3');
      await cluster.ok('rollout status deployment/web -n work --timeout=120s');
      await cluster.ok('set image deployment/web -n work nginx=nginx:1.27');
      await cluster.ok('rollout status deployment/web -n work --timeout=120s');
      expect(await image()).toBe('nginx:1.27');
      await cluster.ok('rollout undo deployment/web -n work');
      await cluster.ok('rollout status deployment/web -n work --timeout=120s');
      expect(await image()).toBe('nginx');
      expect(await cluster.ok('rollout history deployment/web -n work')).toMatch(/^2 .*\n3 /mu);
      await cluster.ok('scale deployment/web -n work --replicas=5');
      await cluster.ok('wait -n work deployment/web --for=jsonpath={.status.availableReplicas}=5 --timeout=120s');
    });

    it('go with their owners: in the foreground, and left behind when asked', async () => {
      const cluster = running();
      await cluster.ok('delete deployment web -n work --cascade=foreground --timeout=120s');
      expect(await cluster.ok('get replicasets,pods -n work -o name')).toBe('');
      await cluster.ok('create deployment left -n work --image=nginx');
      await cluster.ok('rollout status deployment/left -n work --timeout=120s');
      await cluster.ok('delete deployment left -n work --cascade=orphan');
      expect(await cluster.ok('get pods -n work -l app=left -o name')).toContain('pod/left-');
    });

    it('finish a Job and keep its output', async () => {
      const cluster = running();
      await cluster.ok('create job hello -n work --image=busybox -- echo hello there');
      await cluster.ok('wait -n work job/hello --for=condition=complete --timeout=120s');
      expect(await cluster.ok('logs -n work job/hello')).toBe('hello there\n');
    });

    it('say why a pod waits for a node, and place it when there is one', async () => {
      const cluster = running();
      const node = (await cluster.ok('get nodes -o jsonpath={.items[1].metadata.name}')).trim();
      await cluster.ok(`run picky -n work --image=nginx '--overrides={"spec":{"nodeSelector":{"disk":"ssd"}}}'`);
      await eventually(async () =>
        expect(await cluster.ok('describe pod picky -n work')).toContain(
          "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
        ),
      );
      await cluster.ok(`label node ${node} disk=ssd`);
      await cluster.ok('wait -n work pod/picky --for=condition=Ready --timeout=120s');
      await cluster.ok(`label node ${node} disk-`);
    });

    it('leave a node that is drained, and the agents stay', async () => {
      const cluster = running();
      const node = (await cluster.ok('get nodes -o jsonpath={.items[1].metadata.name}')).trim();
      await cluster.ok(`drain ${node} --ignore-daemonsets --force --delete-emptydir-data --timeout=120s`);
      const left = await cluster.ok(`get pods -A -o name --field-selector spec.nodeName=${node},status.phase=Running`);
      expect(
        left
          .trim()
          .split('\n')
          .filter((name) => !name.startsWith('pod/sluice-node-')),
      ).toEqual([]);
      expect(left).toContain('pod/sluice-node-');
      await cluster.ok(`uncordon ${node}`);
    });

    it('are all gone when their namespace is', async () => {
      const cluster = running();
      await cluster.ok('delete namespace work --timeout=120s');
      expect((await cluster.run('get namespace work')).stderr).toContain('NotFound');
      await cluster.ok('create namespace work');
      expect(await cluster.ok('get all -n work -o name')).toBe('');
    });
  });
}
