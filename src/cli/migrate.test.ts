import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testCluster } from '../app/apiserver/kubectl.test-support.ts';
import { runCli } from './run-cli.test-support.ts';

const CALICO = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'calico-node', namespace: 'kube-system', labels: { 'k8s-app': 'calico-node' } },
  spec: {
    selector: { matchLabels: { 'k8s-app': 'calico-node' } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
    template: {
      metadata: { labels: { 'k8s-app': 'calico-node' } },
      spec: { hostNetwork: true, containers: [{ name: 'calico-node', image: 'calico/node' }] },
    },
  },
};

interface Printed {
  readonly steps: readonly {
    readonly id: string;
    readonly commands: readonly string[];
    readonly undo: readonly string[];
  }[];
}

it('prints commands that kubectl takes, and that leave nothing behind when they are taken back', async () => {
  await using cluster = await testCluster();
  const migrate = (...args: readonly string[]) =>
    runCli('migrate', 'from-calico', '--kubeconfig', join(cluster.directory, 'kubeconfig'), ...args);
  const none = await migrate();
  expect(none).toMatchObject({ code: 2, out: '' });
  expect(none.err).toContain('has no DaemonSet calico-node');
  // The namespace is there in any cluster that has Calico.
  await cluster.kubectl(['create', 'namespace', 'kube-system']);
  await cluster.ok(['create', '-f', '-'], JSON.stringify(CALICO));
  const spec = () => cluster.ok(['-n', 'kube-system', 'get', 'ds', 'calico-node', '-o', 'jsonpath={.spec}']);
  const before = await spec();
  const { code, out } = await migrate('-o', 'json');
  expect(code).toBe(0);
  const fence = (JSON.parse(out) as Printed).steps.find(({ id }) => id === 'fence')!;
  const run = (command: string) =>
    cluster.ok([...command.split(' -p ')[0]!.split(' ').slice(1), '-p', command.split(' -p ')[1]!.slice(1, -1)]);
  await run(fence.commands[0]!);
  expect(await spec()).toContain('OnDelete');
  await run(fence.undo[0]!);
  expect(await spec()).toBe(before);
  // Nothing runs Deployments here: --apply stops where it waits for one, and --undo leaves nothing behind.
  const stopped = await migrate('--apply', '--timeout', '0.1');
  expect(stopped).toMatchObject({ code: 1 });
  expect(stopped.err).toMatch(/^Stopped at step install: Deployment kube-system\/sluice-controllers has 0 of 1 pods/);
  expect((await migrate('--undo')).code).toBe(0);
  expect(await spec()).toBe(before);
  expect(await cluster.ok(['-n', 'kube-system', 'get', 'ds,deploy,cm', '-o', 'name'])).not.toContain('sluice');
  const manifest = await migrate('--manifest');
  expect(manifest.code).toBe(0);
  // What the first run has made, such as definitions, is there.
  await cluster.kubectl(['create', '-f', '-'], manifest.out);
  const selector = 'jsonpath={.spec.template.spec.nodeSelector}';
  expect(await cluster.ok(['-n', 'kube-system', 'get', 'ds', 'sluice-node', '-o', selector])).toContain(
    '"sluice.dev/network":"sluice"',
  );
  expect((await migrate('--plan', '--manifest')).err).toContain('exclude each other');
  expect((await migrate('--apply', '--node', 'n9')).err).toContain('has no node n9');
});
