import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testCluster } from '../../app/apiserver/kubectl.test-support.ts';
import { runCli } from '../run-cli.test-support.ts';

const PODS = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: main, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: main, image: x}]}
`;

const DENY = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}}
`;

describe('sluice check --live', () => {
  it('judges what a cluster has, with files on top as applying them would do', async () => {
    await using cluster = await testCluster();
    await cluster.ok(['apply', '-f', '-'], PODS);
    const folder = mkdtempSync(join(tmpdir(), 'sluice-live-'));
    const deny = join(folder, 'deny.yaml');
    writeFileSync(deny, DENY);
    try {
      const check = (...args: readonly string[]) =>
        runCli(
          'check',
          '--live',
          '--kubeconfig',
          join(cluster.directory, 'kubeconfig'),
          'shop/web',
          'shop/db',
          '--port',
          '80',
          ...args,
        );
      expect(await check()).toMatchObject({ code: 0, err: '' });
      const denied = await check('-f', deny);
      expect(denied).toMatchObject({ code: 1, err: '' });
      expect(denied.out).toContain(`${deny}:2:1`);
      await cluster.ok(['apply', '-f', deny]);
      expect(await check()).toMatchObject({ code: 1, err: '' });
      writeFileSync(deny, DENY.replace('}}}', '}}, ingress: [{}]}'));
      expect(await check('-f', deny)).toMatchObject({ code: 0, err: '' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
