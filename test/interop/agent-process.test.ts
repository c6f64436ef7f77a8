import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { builtPlugin } from '../../src/app/cni/plugin-executable.test-support.ts';
import { startTestApiServer } from '../../src/app/apiserver/api-server.test-support.ts';
import type { ApiServer } from '../../src/app/apiserver/start-api-server.ts';
import { parseCidr, parseIp } from '../../src/base/ip/index.ts';
import { IP_POOLS, NETWORK_POLICIES, NODES, PODS } from '../../src/host/kube-client/resources.ts';
import { openNetlink } from '../../src/host/netlink/kernel.ts';
import { createNetns, deleteNetns } from '../../src/host/netns/netns.ts';
import type { ProbeEndpoint } from '../../src/host/probe/port.ts';
import { probe } from '../../src/host/probe/probe.ts';
import { memoryDisk, memoryStore } from '../../src/host/sqlite/memory-store.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const MANIFEST = join(REPOSITORY, 'deploy/sluice.yaml');
const NODE_ADDRESS = '172.30.1.11';

/** One node in a network namespace: the embedded API server here, the agent as a process of its own, the built plugin. */
class OneNode {
  readonly directory = mkdtempSync(join(tmpdir(), 'slc-'));
  readonly #namespaces: string[] = [];
  readonly netns = this.namespace('node');
  readonly #disk = memoryDisk();
  readonly #plugin = builtPlugin();
  #agent: ChildProcess | undefined;
  api!: ApiServer;

  async startApi(): Promise<void> {
    this.api = await startTestApiServer(
      this.directory,
      { clusterName: 'one', socketPath: join(this.directory, 'api.sock') },
      { store: memoryStore(this.#disk) },
    );
  }

  /** Applies the manifest as the guides say, once, and gives the node an object and a network. */
  async install(): Promise<void> {
    const apply = ['--kubeconfig', join(this.directory, 'kubeconfig'), 'apply', '-f', MANIFEST];
    await promisify(execFile)('kubectl', apply, { env: { ...process.env, HOME: this.directory } });
    this.#writeAgentConfig();
    await this.api.client.create(NODES, { metadata: { name: 'n1' } });
    const status = { addresses: [{ type: 'InternalIP', address: NODE_ADDRESS }] };
    await this.api.client.patch(NODES, { name: 'n1' }, 'strategic', { status }, { subresource: 'status' });
    using netlink = openNetlink({ netns: this.netns });
    netlink.apply([
      { kind: 'set-link', link: 'lo', up: true },
      { kind: 'add-link', link: { type: 'bridge', name: 'eth0', up: true } },
      { kind: 'add-address', address: { link: 'eth0', address: parseCidr(`${NODE_ADDRESS}/24`)! } },
    ]);
  }

  /** A new agent process; resolves when it says that it is ready, or right away. */
  async startAgent(wait = true): Promise<void> {
    const child = spawn('nsenter', [`--net=${this.netns}`, process.execPath, 'src/cli/main.ts', 'agent'], {
      cwd: REPOSITORY,
      env: { ...process.env, ...this.#env() },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#agent = child;
    const ready = Promise.withResolvers<void>();
    let said = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      if (process.env['SLUICE_TEST_LOG'] !== undefined) process.stderr.write(text);
      said += text;
      if (said.includes('agent ready')) ready.resolve();
    });
    child.on('exit', (code) => ready.reject(new Error(`the agent ended with ${code}`)));
    ready.promise.catch(() => undefined);
    if (wait) await ready.promise;
  }

  async killAgent(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const agent = this.#agent!;
    if (agent.exitCode !== null || agent.signalCode !== null) return agent.exitCode;
    const { promise, resolve } = Promise.withResolvers<number | null>();
    agent.once('exit', resolve);
    agent.kill(signal);
    return promise;
  }

  async addPod(name: string, labels: Readonly<Record<string, string>> = {}): Promise<ProbeEndpoint> {
    const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'busybox' }] };
    await this.api.client.create(PODS, { metadata: { name, namespace: 'default', labels }, spec } as object);
    const netns = this.namespace(name);
    const { code, output } = await this.plugin('ADD', name, netns);
    if (code !== 0) throw new Error(output);
    const { ips } = JSON.parse(output) as { ips: { address: string }[] };
    const addresses = ips.map(({ address }) => address.split('/')[0]!);
    const status = { phase: 'Running', podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) };
    await this.api.client.patch(PODS, { namespace: 'default', name }, 'merge', { status }, { subresource: 'status' });
    return { id: name, netns, addresses: addresses.map((ip) => parseIp(ip)!) };
  }

  /** Runs the built plugin as a runtime would. */
  plugin(command: string, name: string, netns: string): Promise<{ readonly code: number; readonly output: string }> {
    const config = {
      cniVersion: '1.1.0',
      name: 'k8s-pod-network',
      type: 'sluice',
      agent_socket: join(this.directory, 'cni.sock'),
      pending_del_dir: join(this.directory, 'cni/pending-del'),
    };
    const env = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: `container-${name}`,
      CNI_NETNS: netns,
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/opt/cni/bin',
      CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name}`,
    };
    return new Promise((resolve) => {
      const child = execFile(this.#plugin, { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : 1, output: stdout + stderr }),
      );
      child.stdin!.end(JSON.stringify(config));
    });
  }

  /** The exit code of `sluice agent --health`. */
  health(): Promise<number> {
    return new Promise((resolve) => {
      const env = { ...process.env, ...this.#env() };
      execFile(process.execPath, ['src/cli/main.ts', 'agent', '--health'], { cwd: REPOSITORY, env }, (error) =>
        resolve(typeof error?.code === 'number' ? error.code : 0),
      );
    });
  }

  namespace(name: string): string {
    const path = join(this.directory, 'ns', name);
    createNetns(path);
    this.#namespaces.push(path);
    return path;
  }

  async close(): Promise<void> {
    if (this.#agent !== undefined) await this.killAgent();
    await this.api[Symbol.asyncDispose]();
    for (const path of this.#namespaces) deleteNetns(path);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The agent may do what the manifest lets its service account do, and no more. */
  #writeAgentConfig(): void {
    const config = parse(readFileSync(join(this.directory, 'kubeconfig'), 'utf8')) as { users: { user: object }[] };
    const groups = ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'];
    const token = this.api.tokenFor('system:serviceaccount:kube-system:sluice-node', groups);
    for (const user of config.users) user.user = { token };
    writeFileSync(join(this.directory, 'agent.kubeconfig'), stringify(config));
  }

  #env(): Record<string, string> {
    mkdirSync(join(this.directory, 'cni'), { recursive: true });
    return {
      ...configuredEnv(),
      NODE_NAME: 'n1',
      KUBECONFIG: join(this.directory, 'agent.kubeconfig'),
      SLUICE_API_SOCKET: join(this.directory, 'api.sock'),
      SLUICE_RUN_DIR: this.directory,
      SLUICE_STATE_DIR: this.directory,
    };
  }
}

/** What the DaemonSet's container gets from ConfigMap `sluice-config`, both as the manifest has them. */
function configuredEnv(): Record<string, string> {
  const objects = parseAllDocuments(readFileSync(MANIFEST, 'utf8')).map((document) => document.toJS() as Manifest);
  const { data } = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'sluice-config')!;
  const daemons = objects.find(({ kind }) => kind === 'DaemonSet')!;
  const { env } = daemons.spec!.template.spec.containers.find(({ name }) => name === 'sluice-node')!;
  return Object.fromEntries(
    env.flatMap(({ name, valueFrom }) => {
      const key = valueFrom?.configMapKeyRef?.key;
      return key === undefined ? [] : [[name, data![key]!]];
    }),
  );
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly name: string;
          readonly env: readonly {
            readonly name: string;
            readonly valueFrom?: { readonly configMapKeyRef?: { readonly key: string } };
          }[];
        }[];
      };
    };
  };
}

/** Whether a TCP packet from one pod reaches the other; throws when the attempt itself failed. */
async function reaches(from: ProbeEndpoint, to: ProbeEndpoint): Promise<boolean> {
  // One packet only: TCP would repeat a lost one after a second and hide the loss.
  const options = { retries: 0, timeoutMs: 900 };
  const [result] = await probe([{ from, to, protocol: 'tcp', address: to.addresses[0]!, port: 80 }], options);
  if (result!.verdict === 'error') throw new Error(result!.message);
  return result!.verdict === 'allowed';
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 180_000; !(await condition());)
    if (Date.now() > deadline) throw new Error('the condition did not come true within 180 s');
}

describe('the agent as a process under the built plugin', () => {
  const node = new OneNode();
  let client: ProbeEndpoint;
  let open: ProbeEndpoint;
  let closed: ProbeEndpoint;

  beforeAll(async () => {
    await node.startApi();
    await node.install();
    expect(await node.health()).toBe(1);
    await node.startAgent();
    await node.api.client.create(NETWORK_POLICIES, {
      metadata: { name: 'closed', namespace: 'default' },
      spec: { podSelector: { matchLabels: { closed: 'yes' } }, policyTypes: ['Ingress'] },
    } as object);
    client = await node.addPod('client');
    open = await node.addPod('open');
    closed = await node.addPod('closed', { closed: 'yes' });
  });
  afterAll(() => node.close());

  it('makes the default pool of a cluster that has none', async () => {
    const { items } = await node.api.client.list<{ metadata: { name: string }; spec: object }>(IP_POOLS);
    expect(items.map(({ metadata, spec }) => [metadata.name, spec])).toEqual([
      ['default-ipv4-ippool', expect.objectContaining({ cidr: '10.244.0.0/16', blockSize: 26, natOutgoing: true })],
    ]);
  });

  it('says that it is well, and enforces what the API server says', async () => {
    expect(await node.health()).toBe(0);
    await eventually(async () => !(await reaches(client, closed)));
    await eventually(() => reaches(client, open));
  });

  it('is killed and started again without one wrong verdict', async () => {
    const wrong: string[] = [];
    let rounds = 0;
    const stop = new AbortController();
    const watching = (async () => {
      while (!stop.signal.aborted) {
        const [yes, no] = await Promise.all([reaches(client, open), reaches(client, closed)]);
        if (!yes || no) wrong.push(`round ${rounds}: open ${yes}, closed ${no}`);
        rounds++;
      }
    })();
    for (let i = 0; i < 3; i++) {
      await node.killAgent();
      const before = rounds;
      await eventually(() => new Promise((resolve) => setImmediate(() => resolve(rounds > before))));
      await node.startAgent();
    }
    stop.abort();
    await watching;
    expect(wrong).toEqual([]);
    expect(rounds).toBeGreaterThan(3);
  });

  it('settles a DEL that came while it was dead, and its address goes back', async () => {
    const pod = await node.addPod('short');
    await node.killAgent();
    expect(await node.plugin('DEL', 'short', pod.netns as string)).toEqual({ code: 0, output: '' });
    await node.startAgent();
    using inside = openNetlink({ netns: pod.netns });
    await eventually(() => Promise.resolve(inside.link('eth0') === undefined));
    expect((await node.plugin('STATUS', '', '')).code).toBe(0);
  });

  it('starts without the API server, keeps the verdicts, refuses new pods, and recovers', async () => {
    await node.killAgent();
    await node.api[Symbol.asyncDispose]();
    await node.startAgent(false);
    await eventually(async () => (await node.plugin('STATUS', '', '')).output.includes('waiting for'));
    expect([await reaches(client, open), await reaches(client, closed)]).toEqual([true, false]);
    expect(await node.health()).toBe(1);
    await node.startApi();
    await eventually(async () => (await node.plugin('STATUS', '', '')).code === 0);
    const late = await node.addPod('late');
    expect([await reaches(client, late), await reaches(client, closed)]).toEqual([true, false]);
  });

  it('ends cleanly on SIGTERM and leaves the kernel as it is', async () => {
    expect(await node.killAgent('SIGTERM')).toBe(0);
    expect([await reaches(client, open), await reaches(client, closed)]).toEqual([true, false]);
  });
});
