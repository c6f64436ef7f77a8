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

/** Agents of Calico's by name, which do nothing and take their time to end. */
const CALICO = `apiVersion: apps/v1
kind: DaemonSet
metadata: { name: calico-node, namespace: kube-system }
spec:
  selector: { matchLabels: { k8s-app: calico-node } }
  template:
    metadata: { labels: { k8s-app: calico-node } }
    spec:
      hostNetwork: true
      terminationGracePeriodSeconds: 600
      tolerations: [{ operator: Exists }]
      containers:
        - name: calico-node
          image: busybox
          command: [sh, -c, 'trap "" TERM; while true; do sleep 1; done']
          env: [{ name: CALICO_NETWORKING_BACKEND, value: vxlan }]
`;
const BUDGET = `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec: { minAvailable: 2, selector: { matchLabels: { app: web } } }
`;

it('a node is drained as far as PodDisruptionBudgets let it: who waits says for which, and goes on when it may', async () => {
  await using cluster = await TestCluster.start({ nodes: 2 });
  // The agents go on, and are nobody's, so that the cluster has another network by its objects.
  await cluster.ok('label pods -n kube-system -l k8s-app=sluice-node --overwrite k8s-app=orphan');
  await cluster.ok('delete daemonset sluice-node -n kube-system --cascade=orphan');
  await cluster.ok('delete configmap sluice-config -n kube-system');
  await cluster.apply(CALICO);
  await cluster.apply(BUDGET);
  await cluster.ok('create deployment web --image=nginx --replicas=2');
  await cluster.ok('rollout status deployment/web --timeout=120s');
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

  const command = [join(ROOT, 'src/cli/main.ts'), ...migrate()];
  using run = disposable(spawn(process.execPath, command, { env: cluster.env, stdio: ['ignore', 'pipe', 'pipe'] }));
  const heard = listen(run.child);
  await heard.says(`Waiting: PodDisruptionBudget default/web keeps default/${pod!.replace('pod/', '')}`);
  await cluster.ok('scale deployment web --replicas=4');
  await heard.says(`${node}/leave: Take ${node} from Calico.`);
  run.child.kill('SIGINT');
  const [code] = (await once(run.child, 'close')) as [number | null];
  expect({ code, text: heard.text() }).toMatchObject({
    code: 2,
    text: expect.stringContaining('Interrupted') as string,
  });
  expect(await cluster.ok(`get pods -l app=web --field-selector spec.nodeName=${node} -o name`)).toBe('');
  expect(await cluster.ok(`get node ${node} -o jsonpath={.spec.unschedulable}`)).toBe('true');
});

function disposable(child: ChildProcess): Disposable & { readonly child: ChildProcess } {
  return { child, [Symbol.dispose]: () => void child.kill('SIGKILL') };
}
