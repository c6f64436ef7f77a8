import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerCni } from '../../core/cni/index.ts';
import type { AttachmentRequest, CniResult } from '../../core/cni/index.ts';
import { createCniRuntime } from '../../host/cni-runtime/create-runtime.ts';
import { parseNetworkList } from '../../host/cni-runtime/network-list.ts';
import type { NetworkList, RuntimeAttachment } from '../../host/cni-runtime/types.ts';
import { FakeAgent } from './plugin-executable.test-support.ts';

/**
 * Runs inside fresh network and mount namespaces and prints what it saw as JSON: the compiled plugin, upstream `portmap`
 * and upstream `bandwidth` as one chain. The agent is played by `ip`, wiring a pod as the real one does.
 */
const [pluginDir = ''] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'sluice-chain-'));
const calls: string[] = [];
const HOST_SIDE = 'slc00000000001';

ip('link set lo up');
ip('netns add client');
ip('link add to-client type veth peer name eth0 netns client');
ip('addr add 192.0.2.1/24 dev to-client');
ip('link set to-client up');
ip('-n client addr add 192.0.2.2/24 dev eth0');
ip('-n client link set eth0 up');
ip('netns add pod');
writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');

await using agent = await FakeAgent.start((line) =>
  answerCni(line, {
    add: (request) => Promise.resolve(wire(request)),
    del: () => Promise.resolve(unwire()),
    check: () => Promise.resolve(void calls.push('CHECK')),
    gc: () => Promise.resolve(),
    status: () => Promise.resolve(),
  }),
);
const cacheDir = join(directory, 'results');
const runtime = createCniRuntime({ pluginDirs: [pluginDir, '/usr/lib/cni'], cacheDir, timeoutMs: 120_000 });
const list = chain('1.0.0');
const attachment: RuntimeAttachment = {
  containerId: 'c1',
  netns: '/run/netns/pod',
  ifname: 'eth0',
  args: [
    ['IgnoreUnknown', '1'],
    ['K8S_POD_NAMESPACE', 'default'],
    ['K8S_POD_NAME', 'web'],
  ],
  capabilities: {
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
    bandwidth: { ingressRate: 8_000_000, ingressBurst: 8_000_000, egressRate: 8_000_000, egressBurst: 8_000_000 },
    unused: true,
  },
};

const result = await runtime.addNetworkList(list, attachment);
writeFileSync(join(directory, 'index.html'), 'through the chain');
const server = spawn('ip', ['netns', 'exec', 'pod', 'busybox', 'httpd', '-f', '-p', '80', '-h', directory]);
const page = await eventually(() => fetchFromClient('http://192.0.2.1:8080/index.html'));
const qdisc = sh(`tc qdisc show dev ${HOST_SIDE}`);
// Debian's portmap 1.1.1 looks for IPv6 rules of a pod that has none, so CHECK goes without it.
const withoutPortmap = { ...list, plugins: list.plugins.filter(({ type }) => type !== 'portmap') };
await runtime.checkNetworkList(withoutPortmap, attachment);
const cachedWhileUp = readdirSync(cacheDir);
server.kill('SIGKILL');
// The runtime has lost the namespace and asks without capabilities: the cached ones count.
await runtime.delNetworkList(list, { ...attachment, netns: '', capabilities: {} });
const natAfter = sh('iptables-save -t nat | grep -c 8080 || true').trim();
const linksAfter = sh('ip -br link').includes(HOST_SIDE);
await runtime.delNetworkList(list, attachment);
const callsOfFirst = [...calls];
const unknownCheck = await failure(runtime.checkNetworkList(list, attachment));

const bad = { portMappings: [{ hostPort: 70_000, containerPort: 80, protocol: 'tcp' }] };
calls.length = 0;
const undone = await failure(runtime.addNetworkList(list, { ...attachment, capabilities: bad }));
const callsOfUndone = [...calls];
const linksAfterUndone = sh('ip -br link').includes(HOST_SIDE);
const incompatible = await failure(runtime.addNetworkList(chain('1.1.0'), attachment));
await runtime.addNetworkList(list, { ...attachment, containerId: 'stale' });
calls.length = 0;
await runtime.gcNetworkList(list, [{ containerID: 'other', ifname: 'eth0' }]);
const versions = Object.fromEntries(await runtime.versions(list));

process.stdout.write(
  JSON.stringify({
    result,
    page,
    qdisc,
    cachedWhileUp,
    cachedAfter: readdirSync(cacheDir),
    natAfter,
    linksAfter,
    unknownCheck,
    callsOfFirst,
    undone,
    callsOfUndone,
    linksAfterUndone,
    incompatible,
    gcCalls: calls,
    versions,
  }),
);
rmSync(directory, { recursive: true, force: true });

function chain(cniVersion: string): NetworkList {
  return parseNetworkList(
    JSON.stringify({
      name: 'k8s-pod-network',
      cniVersion,
      plugins: [
        { type: 'sluice', agent_socket: agent.socket, pending_del_dir: join(directory, 'pending') },
        { type: 'portmap', snat: true, capabilities: { portMappings: true } },
        { type: 'bandwidth', capabilities: { bandwidth: true } },
      ],
    }),
  );
}

/** As the agent does it: a routed pair, the pod's default route over a next hop that only its neighbour entry knows. */
function wire({ netns, ifname, containerId }: AttachmentRequest): CniResult {
  calls.push(`ADD ${containerId}`);
  const mac = 'ee:ee:ee:ee:ee:ee';
  ip(`link add ${HOST_SIDE} address ${mac} type veth peer name ${ifname} netns pod`);
  ip(`link set ${HOST_SIDE} up`);
  for (const command of [
    'link set lo up',
    `link set ${ifname} up`,
    `addr add 10.244.0.5/32 dev ${ifname}`,
    `neigh add 169.254.1.1 lladdr ${mac} dev ${ifname} nud permanent`,
    `route add 169.254.1.1 dev ${ifname} scope link`,
    `route add default via 169.254.1.1 dev ${ifname}`,
  ])
    ip(`-n pod ${command}`);
  ip(`route add 10.244.0.5/32 dev ${HOST_SIDE}`);
  return {
    interfaces: [
      { name: HOST_SIDE, mac },
      { name: ifname, sandbox: netns },
    ],
    ips: [{ address: '10.244.0.5/32', gateway: '169.254.1.1', interface: 1 }],
    routes: [{ dst: '0.0.0.0/0', gw: '169.254.1.1' }],
  };
}

function unwire(): void {
  calls.push('DEL');
  sh(`ip link del ${HOST_SIDE} 2>/dev/null || true`);
}

function fetchFromClient(url: string): string {
  const script = `fetch('${url}', { signal: AbortSignal.timeout(20_000) }).then((r) => r.text()).then((t) => process.stdout.write(t))`;
  return execFileSync('ip', ['netns', 'exec', 'client', process.execPath, '-e', script], { encoding: 'utf8' });
}

function ip(command: string): void {
  sh(`ip ${command}`);
}

function sh(command: string): string {
  return execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: { cniCode: number; message: string }) => ({ code: error.cniCode, message: error.message }),
  );
}

async function eventually<T>(attempt: () => T): Promise<T> {
  for (const deadline = Date.now() + 180_000; ;) {
    try {
      return attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
