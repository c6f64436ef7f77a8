import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, TestCluster, eventually } from './harness.ts';

/** What a program says until it is told to end. */
function listen(child: ChildProcess): { readonly says: (text: string) => Promise<void>; readonly text: () => string } {
  let text = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const says = (wanted: string): Promise<void> =>
    eventually(() => {
      if (!text.includes(wanted)) throw new Error(`not said: ${wanted}\nbut:\n${text}`);
    });
  return { says, text: () => text };
}

/** Agents of Calico's by name, which do nothing. */
const CALICO = `apiVersion: apps/v1
kind: DaemonSet
metadata: { name: calico-node, namespace: kube-system }
spec:
  selector: { matchLabels: { k8s-app: calico-node } }
  template:
    metadata: { labels: { k8s-app: calico-node } }
    spec:
      hostNetwork: true
      terminationGracePeriodSeconds: 1
      tolerations: [{ operator: Exists }]
      containers:
        - name: calico-node
          image: busybox
          command: [sleep, infinity]
          env: [{ name: CALICO_NETWORKING_BACKEND, value: vxlan }]
`;
const BUDGET = `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec: { minAvailable: 2, selector: { matchLabels: { app: web } } }
`;

it('a node of a cluster that runs goes over and back by the command, which says for which PodDisruptionBudget it waits', async () => {
  await using cluster = await TestCluster.start({ nodes: 2 });
  // The agents go on, and are nobody's, so that the cluster has another network by its objects.
  await cluster.ok('label pods -n kube-system -l k8s-app=sluice-node --overwrite k8s-app=orphan');
  await cluster.ok('delete daemonset sluice-node -n kube-system --cascade=orphan');
  await cluster.ok('delete configmap sluice-config -n kube-system');
  await cluster.apply(CALICO);
  await cluster.apply(BUDGET);
  await cluster.ok('create deployment web --image=nginx --replicas=2');
  await cluster.ok('rollout status deployment/web --timeout=120s');
  await cluster.ok('rollout status deployment/sluice-controllers -n kube-system --timeout=120s');
  await cluster.ok('rollout status daemonset/calico-node -n kube-system --timeout=120s');
  await cluster.ok('wait poddisruptionbudget/web --for=jsonpath={.status.currentHealthy}=2 --timeout=120s');
  const node = await cluster.ok('get pods -l app=web -o jsonpath={.items[0].spec.nodeName}');
  const [pod] = (await cluster.ok(`get pods -l app=web --field-selector spec.nodeName=${node} -o name`)).split('\n');

  using drain = disposable(cluster.spawn(`drain ${node} --ignore-daemonsets --pod-selector=app=web`));
  await listen(drain.child).says("Cannot evict pod as it would violate the pod's disruption budget.");
  drain.child.kill('SIGINT');
  await cluster.ok(`uncordon ${node}`);

  const migrate = (...args: readonly string[]): string[] => [
    'migrate',
    'from-calico',
    '--apply',
    '--node',
    node,
    '--name',
    cluster.name,
    ...args,
  ];
  const given = await cluster.sluice(...migrate('--timeout', '1'));
  expect(given.code, given.stderr).toBe(1);
  expect(given.stderr).toMatch(
    /Stopped at step \S+\/drain: node \S+ still has .*; PodDisruptionBudget default\/web keeps default\/web-\S+ \(2 healthy pods are needed, and 2 are there\)/u,
  );

  // There are never two on a node.
  await cluster.ok(`delete pod -n kube-system -l k8s-app=orphan --field-selector spec.nodeName=${node}`);
  const command = [join(ROOT, 'src/cli/main.ts'), ...migrate()];
  using run = disposable(spawn(process.execPath, command, { env: cluster.env, stdio: ['ignore', 'pipe', 'pipe'] }));
  const heard = listen(run.child);
  await heard.says(`Waiting: PodDisruptionBudget default/web keeps default/${pod!.replace('pod/', '')}`);
  await cluster.ok('scale deployment web --replicas=4');
  await heard.says(`${node}/leave: Take ${node} from Calico.`);
  const [code] = (await once(run.child, 'close')) as [number | null];
  expect(code, heard.text()).toBe(0);
  await cluster.ok(`run here --image=nginx --port=80 --overrides={"spec":{"nodeName":"${node}"}}`);
  await cluster.ok('wait --for=condition=Ready pod/here --timeout=120s');
  const [away] = (await cluster.ok('get pods -l app=web -o name')).split('\n');
  await eventually(async () => {
    if (!(await cluster.reaches(away!.replace('pod/', 'default/'), 'default/here', 80))) throw new Error('not yet');
  });

  const back = ['migrate', 'from-calico', '--undo', '--node', node, '--name', cluster.name];
  await cluster.ok('delete poddisruptionbudget web');
  const undone = await cluster.sluice(...back);
  expect(undone.stderr).toContain('nothing would start default/here again elsewhere');
  await cluster.ok('delete pod here --grace-period=1');
  expect(await cluster.sluice(...back)).toMatchObject({ code: 0, stderr: '' });
  const marks = await cluster.ok(`get node ${node} -o jsonpath='{.metadata.labels}{.metadata.annotations}{.spec}'`);
  expect(marks).not.toMatch(/sluice\.dev\/(network|migration)|unschedulable/u);
});

function disposable(child: ChildProcess): Disposable & { readonly child: ChildProcess } {
  return { child, [Symbol.dispose]: () => void child.kill('SIGKILL') };
}
