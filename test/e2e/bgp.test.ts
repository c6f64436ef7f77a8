import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabPlace } from '../../src/app/lab/lab-types.ts';
import { TestCluster } from './harness.ts';

/** An address that exists nowhere but in BGP. */
const EXTERNAL = '198.51.100.7';
const MESH_PASSWORD = `
apiVersion: v1
kind: Secret
metadata: { name: bgp-secrets, namespace: kube-system }
stringData: { mesh: between nodes }
---
apiVersion: projectcalico.org/v3
kind: BGPConfiguration
metadata: { name: default }
spec:
  nodeMeshPassword: { secretKeyRef: { name: bgp-secrets, key: mesh } }
  serviceExternalIPs: [{ cidr: 198.51.100.0/24 }]
`;
const WEB = `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec: { nodeName: e2e-node-3, containers: [{ name: nginx, image: nginx }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: NodePort
  selector: { app: web }
  ports: [{ port: 80 }]
  externalIPs: [${EXTERNAL}]
`;

describe('a cluster whose nodes tell each other their routes', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await TestCluster.start({ backend: 'none' });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const run = async (at: LabPlace, ...command: readonly string[]): Promise<string> =>
    (await cluster.lab.request({ op: 'exec', at, command })).stdout;
  const routes = (): Promise<string> => run({ kind: 'router' }, 'ip', 'route', 'show', 'proto', 'bird');
  const fromOutside = (): Promise<string> =>
    run({ kind: 'outside' }, 'curl', '-sS', '-m', '5', '-o', '/dev/null', '-w', '%{http_code}', `http://${EXTERNAL}`);
  const status = async (): Promise<number> => (await cluster.sluice('node', 'status', '--name', cluster.name)).code;

  it('has a session between any two nodes, and of each with the router', async () => {
    await expect.poll(status).toBe(0);
    const { stdout } = await cluster.sluice('node', 'status', 'e2e-node-1', '--name', cluster.name);
    expect(stdout).toContain('Node e2e-node-1: 3 of 3 BGP sessions established');
    expect(stdout).toMatch(/172\.30\.0\.1 +64512 +global +up .* Established/u);
    expect(stdout).toMatch(/172\.30\.2\.11 +64512 +node-to-node mesh +up .* Established/u);
  });

  it('is well with a password from a Secret, and tells the router of Services', async () => {
    await cluster.apply(MESH_PASSWORD);
    await expect.poll(routes).toContain('198.51.100.0/24');
    await expect.poll(status).toBe(0);
  });

  it('is reached at an external address of a Service, by way of any node', async () => {
    await cluster.apply(WEB);
    await cluster.ready('default');
    await expect.poll(fromOutside).toBe('200');
  });

  it('draws that traffic to the node with the endpoint when it is to stay where it arrives', async () => {
    await cluster.ok(`patch service web --type merge -p '{"spec":{"externalTrafficPolicy":"Local"}}'`);
    await expect.poll(routes).toContain(`${EXTERNAL} via 172.30.2.11`);
    await expect.poll(fromOutside).toBe('200');
    await cluster.ok('delete pod web --grace-period=1');
    await expect.poll(routes).not.toContain(`${EXTERNAL} via`);
  });

  it('has every session again when a node comes back after a power cut', async () => {
    // This one is called by both others, which know nothing of its end.
    const node = 'e2e-node-1';
    await cluster.lab.request({ op: 'kill-node', node });
    await cluster.lab.request({ op: 'start-node', node });
    await expect.poll(async () => (await cluster.sluice('node', 'status', node, '--name', cluster.name)).code).toBe(0);
    await expect.poll(status).toBe(0);
  });

  it('says which field of a peer is wrong, and where, and takes nothing of it', async () => {
    const bad = `
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: { name: tor }
spec: { peerIP: '10.0.0.1:99999', asNumber: 65000 }
`;
    const { code, stderr } = await cluster.run('apply -f -', bad);
    expect(code).toBe(1);
    expect(stderr).toContain('spec.peerIP: Invalid value: "10.0.0.1:99999": must be an address');
  });
});
