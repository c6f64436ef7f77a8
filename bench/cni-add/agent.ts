import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { jsonLogger } from '../../src/base/log.ts';
import { runAgent } from '../../src/app/agent/agent.ts';
import { fileEndpointStore } from '../../src/app/agent/endpoint-store.ts';
import { openConntrack } from '../../src/host/conntrack/kernel.ts';
import { kubeBlockStore } from '../../src/host/ipam-store/index.ts';
import { MemoryKubeClient } from '../../src/host/kube-client/memory-client.ts';
import { IP_POOLS, NAMESPACES, NETWORK_POLICIES, NODES, PODS } from '../../src/host/kube-client/resources.ts';
import { openNetlink } from '../../src/host/netlink/kernel.ts';
import { openLinkReaper } from '../../src/host/netlink/link-reaper.ts';
import { openNftables } from '../../src/host/nftables/kernel.ts';
import { openSysctl } from '../../src/host/sysctl/sysctl.ts';

/**
 * The agent of the node under measurement, in a process of its own as on a real node: `agent.ts DIRECTORY PODS POLICIES`.
 * The API is in its memory; every pod that will be added exists and is selected by a policy of its own label and by
 * a default-deny.
 */
const [directory = '', pods = '0', policies = '0'] = process.argv.slice(2);
const client = new MemoryKubeClient();
await seed(Number(pods), Number(policies));
mkdirSync(join(directory, 'state'), { recursive: true });
const log = jsonLogger(
  { level: 'warn' },
  { write: (line) => void process.stderr.write(`${line}\n`), now: () => new Date().toISOString() },
);
await runAgent(
  { node: 'bench', backend: 'vxlan', mtu: 0, runDir: directory, stateDir: join(directory, 'state'), logLevel: 'warn' },
  {
    client,
    blockStore: kubeBlockStore({ client, report: (message) => log.warn(message) }),
    netlink: openNetlink(),
    reaper: openLinkReaper(),
    nftables: openNftables(),
    conntrack: openConntrack(),
    sysctl: openSysctl(),
    openPod: (netns) => ({ netlink: openNetlink({ netns }), sysctl: openSysctl({ netns }) }),
    endpoints: fileEndpointStore(join(directory, 'state', 'endpoints')),
    log,
    now: Date.now,
  },
  // The driver ends this process with its namespace.
  new AbortController().signal,
);

async function seed(podCount: number, policyCount: number): Promise<void> {
  await client.create(NODES, { metadata: { name: 'bench' } });
  const addresses = [{ type: 'InternalIP', address: '172.30.1.11' }];
  await client.updateStatus(NODES, { metadata: { name: 'bench' }, status: { addresses } } as object);
  await client.create(NAMESPACES, { metadata: { name: 'default', labels: {} } });
  await client.create(IP_POOLS, {
    metadata: { name: 'pool' },
    spec: { cidr: '10.244.0.0/16', natOutgoing: true },
  } as object);
  const metadata = (name: string, labels = {}): object => ({ metadata: { name, namespace: 'default', labels } });
  await client.create(NETWORK_POLICIES, {
    ...metadata('deny'),
    spec: { podSelector: {}, policyTypes: ['Ingress'] },
  } as object);
  for (let i = 0; i < policyCount; i++) {
    const podSelector = { matchLabels: { app: `app-${i}` } };
    const ingress = [{ from: [{ podSelector }], ports: [{ protocol: 'TCP', port: 80 }] }];
    await client.create(NETWORK_POLICIES, { ...metadata(`allow-${i}`), spec: { podSelector, ingress } } as object);
  }
  for (let i = 0; i < podCount; i++) {
    const spec = { nodeName: 'bench', containers: [{ name: 'c', image: 'busybox' }] };
    await client.create(PODS, {
      ...metadata(`pod-${i}`, { app: `app-${i % Math.max(1, policyCount)}` }),
      spec,
    } as object);
  }
}
