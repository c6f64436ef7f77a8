import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { runCli, spawnCli } from '../run-cli.test-support.ts';

const CLUSTER = `
{ apiVersion: v1, kind: Namespace, metadata: { name: shop } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: c, image: i }] }
---
apiVersion: v1
kind: Pod
metadata: { name: db-0, namespace: shop, labels: { app: db, statefulset.kubernetes.io/pod-name: db-0 } }
spec: { nodeName: node-0, containers: [{ name: c, image: i, ports: [{ name: sql, containerPort: 5432 }] }] }
status: { phase: Running, podIPs: [{ ip: 10.0.0.2 }] }
---
apiVersion: v1
kind: Service
metadata: { name: db, namespace: shop }
spec: { selector: { app: db }, ports: [{ port: 1, targetPort: sql }] }
`;

let folder: string;
let cluster: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-generate-'));
  cluster = join(folder, 'cluster.yaml');
  writeFileSync(cluster, CLUSTER);
});
afterAll(() => rmSync(folder, { recursive: true }));

function connections(text: string): string {
  const file = join(folder, 'flows');
  writeFileSync(file, text);
  return file;
}

describe('sluice generate', () => {
  it('makes policies that check and reach find to allow exactly the wishes', async () => {
    const flows = connections('{"from":"shop/deployment/web","to":"shop/service/db","port":1}\n');
    const { code, out, err } = await runCli('generate', flows, '-f', cluster);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(parseAllDocuments(out).map((each) => (each.toJS() as { metadata: object }).metadata)).toEqual([
      { name: 'default-deny', namespace: 'shop' },
      { name: 'allow-db', namespace: 'shop' },
      { name: 'allow-web', namespace: 'shop' },
    ]);
    const policies = join(folder, 'policies.yaml');
    writeFileSync(policies, out);
    const ask = async (...args: string[]) => (await runCli('check', ...args, '-f', cluster, '-f', policies)).code;
    expect(await ask('shop/deployment/web', 'shop/db-0', '--port', '5432')).toBe(0);
    expect(await ask('shop/deployment/web', 'shop/db-0', '--port', '1')).toBe(1);
    expect(await ask('shop/db-0', 'shop/deployment/web', '--port', '5432')).toBe(1);
  });

  it.each([
    ['CSV with column names in any order', 'port,to,from\n5432,shop/db-0,shop/web\n'],
    ['CSV in the usual order, with quotes', 'shop/web,"shop/db-0",sql,tcp\n'],
    ['JSON lines as check prints them', '{"from":"shop/web","to":"10.0.0.2","port":5432,"verdict":"allow"}\n'],
    ['JSON lines after a byte order mark', '\uFEFF{"from":"shop/web","to":"shop/db-0","port":5432}\r\n'],
    ['CSV after a byte order mark', '\uFEFFfrom,to,port\r\nshop/web,shop/db-0,5432\r\n'],
  ])('reads %s', async (_, text) => {
    const { code, out } = await runCli('generate', connections(text), '-f', cluster, '-o', 'json');
    expect(code).toBe(0);
    expect(out).toContain('"port": 5432');
  });

  it('reads connections from standard input', () => {
    const { code, out } = spawnCli(['generate', '-', '-f', cluster], '{"from":"shop/web","to":"outside","port":443}\n');
    expect(code).toBe(0);
    expect(out).toContain('cidr: 0.0.0.0/0');
  });

  it('says which wishes it cannot grant, and answers no', async () => {
    const flows = connections('{"from":"shop/web","to":"shop/db-0","protocol":"ICMP"}\n');
    const { code, err } = await runCli('generate', flows, '-f', cluster);
    expect(code).toBe(1);
    expect(err).toBe(
      'not granted: shop/web > shop/db-0 ICMP: a Kubernetes NetworkPolicy names only TCP, UDP and SCTP, not ICMP; use --api calico\n',
    );
    const calico = await runCli('generate', flows, '-f', cluster, '--api', 'calico');
    expect(calico.code).toBe(0);
    expect(calico.out).toContain('apiVersion: projectcalico.org/v3');
  });

  it('names every bad line at its place', async () => {
    const flows = connections('{"from":"shop/web"}\nnonsense\n{"from":"shop/wbe","to":"shop/db-0"}\n');
    const { code, err } = await runCli('generate', flows, '-f', cluster);
    expect(code).toBe(2);
    expect(err).toContain(`${flows}:1: to is missing`);
    expect(err).toContain(`${flows}:2: not JSON`);
    expect(err).toContain(`${flows}:3: from: there is no pod shop/wbe; did you mean shop/web?`);
  });

  it.each([
    [['--namespace', 'nowhere'], '--namespace: there is no namespace nowhere'],
    [['--cluster-cidr', '10.0.0.0'], '--cluster-cidr 10.0.0.0: must be a block such as 10.244.0.0/16'],
    [['--dns'], 'no pod of namespace kube-system in the input has the label k8s-app=kube-dns'],
  ])('refuses %j with one clear message', async (args, message) => {
    const { code, err } = await runCli('generate', connections('shop/web,shop/db-0,5432\n'), '-f', cluster, ...args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
