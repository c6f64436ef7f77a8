import { randomUUID } from 'node:crypto';
import { SluiceError } from '../../../base/errors.ts';
import { http } from '../../../host/http.ts';
import type {
  ControlReplies,
  ControlRequest,
  LabAttempt,
  LabNode,
  LabPhase,
  LabPlace,
  LabPod,
  LabStatus,
} from '../lab-types.ts';
import { kubeletSocket } from '../paths.ts';
import type { KubeletConfig } from '../kubelet/config.ts';
import { PLACES } from '../universe/places.ts';
import type { ProbeInput } from '../universe/probe-main.ts';
import type { NodeHold, NodeStart } from '../universe/protocol.ts';
import type { NodePlace } from '../universe/topology.ts';
import { UNDERLAY } from '../universe/topology.ts';
import { apiAddresses, dnsAddresses, nodeAddresses } from './addresses.ts';
import type { SupervisorConfig } from './config.ts';
import type { HostProcess } from './host-pids.ts';
import { descendants } from './host-pids.ts';
import type { ReadyNodes } from './ready-nodes.ts';
import type { Universe } from './universe-process.ts';
import { programToRun } from '../../../host/exec/bundle.ts';

/** What the supervisor knows of the running cluster beside the universe. */
export interface ClusterAccess {
  readonly server: string;
  readonly ca: string;
  /** A bearer token of the kubelet of a node. */
  readonly kubeletToken: (node: string) => string;
  readonly readyNodes: ReadyNodes;
  readonly version: string;
}

/** In a process's list of pids: the number in this process's own pid namespace comes first, then inwards. */
const UNIVERSE_DEPTH = 1;
const NODE_DEPTH = 2;

interface NodeRecord {
  readonly place: NodePlace;
  /** In the universe's numbering; undefined while the node does not run. */
  hold: NodeHold | undefined;
}

/** Answers the control socket and keeps book of the universe's nodes. */
export class Supervisor {
  readonly #config: SupervisorConfig;
  readonly #universe: Universe;
  readonly #cluster: ClusterAccess;
  readonly #nodes: ReadonlyMap<string, NodeRecord>;
  readonly #phases: LabPhase[];
  readonly #startedAt: string;
  readonly #stop: () => void;
  readonly #outsidePid: () => number | undefined;

  constructor(
    config: SupervisorConfig,
    places: readonly NodePlace[],
    parts: {
      readonly universe: Universe;
      readonly cluster: ClusterAccess;
      /** In the universe's numbering. */
      readonly outsidePid: () => number | undefined;
      readonly phases: LabPhase[];
      readonly startedAt: string;
      readonly stop: () => void;
    },
  ) {
    this.#config = config;
    this.#nodes = new Map(places.map((place) => [place.name, { place, hold: undefined }]));
    this.#universe = parts.universe;
    this.#cluster = parts.cluster;
    this.#outsidePid = parts.outsidePid;
    this.#phases = parts.phases;
    this.#startedAt = parts.startedAt;
    this.#stop = parts.stop;
  }

  async startAllNodes(): Promise<void> {
    await Promise.all([...this.#nodes.keys()].map((name) => this.#startNode(name)));
  }

  /** Hears what happens to nodes. */
  nodeStarted(name: string, hold: NodeHold): void {
    const record = this.#nodes.get(name);
    if (record !== undefined) record.hold = hold;
  }

  nodeExited(name: string): void {
    const record = this.#nodes.get(name);
    if (record !== undefined) record.hold = undefined;
  }

  async answer(request: ControlRequest): Promise<ControlReplies[ControlRequest['op']]> {
    switch (request.op) {
      case 'ping':
        return true;
      case 'status':
        return this.status();
      case 'pods':
        return this.#pods();
      case 'probe':
        return this.#probe(request.attempts, request.timeoutMs);
      case 'agent-status':
        return this.#agentStatus(request.node, request.path ?? '/status');
      case 'exec':
        return this.#exec(request);
      case 'start-node':
        await this.#startNode(request.node);
        return this.#node(request.node);
      case 'kill-node':
        this.#record(request.node);
        await this.#universe.request({ op: 'kill-node', name: request.node });
        return this.#node(request.node);
      case 'stop':
        this.#stop();
        return true;
    }
  }

  status(): LabStatus {
    const { options, paths } = this.#config;
    const hostPids = this.#hostPids();
    return {
      name: options.name,
      supervisorPid: process.pid,
      server: this.#cluster.server,
      kubeconfig: paths.kubeconfig,
      options,
      nodes: [...this.#nodes.values()].map((record) => this.#describe(record, hostPids)),
      phases: this.#phases,
      startedAt: this.#startedAt,
    };
  }

  #describe({ place, hold }: NodeRecord, hostPids: ReadonlyMap<number, number>): LabNode {
    const ready = this.#cluster.readyNodes.isReady(place.name);
    const kubeletPid = hold === undefined ? undefined : hostPids.get(hold.pid);
    return {
      name: place.name,
      segment: place.segment,
      addresses: nodeAddresses(this.#config.options, place),
      state: hold === undefined ? 'stopped' : ready ? 'running' : 'starting',
      ...(kubeletPid === undefined ? {} : { kubeletPid }),
      ready: hold !== undefined && ready,
    };
  }

  #node(name: string): LabNode {
    return this.#describe(this.#record(name), this.#hostPids());
  }

  #record(name: string): NodeRecord {
    const record = this.#nodes.get(name);
    if (record !== undefined) return record;
    throw new SluiceError('control-failed', `there is no node ${name}; nodes: ${[...this.#nodes.keys()].join(', ')}`);
  }

  /** Universe pid → host pid, for processes of the universe's own pid namespace and those below. */
  #hostPids(): ReadonlyMap<number, number> {
    return new Map(descendants(this.#universe.pid).map(({ pid, pids }) => [pids[UNIVERSE_DEPTH] ?? pid, pid]));
  }

  #startNode(name: string): Promise<unknown> {
    if (this.#record(name).hold !== undefined) throw new SluiceError('control-failed', `node ${name} is running`);
    const bootId = randomUUID();
    const start = this.#nodeStart(this.#record(name).place, bootId);
    this.#cluster.readyNodes.started(name, bootId);
    return this.#universe.startNode(start);
  }

  #nodeStart(place: NodePlace, bootId: string): NodeStart {
    const { options, repository, node, busybox, pluginSources } = this.#config;
    const { ca, kubeletToken, version } = this.#cluster;
    const [api = ''] = apiAddresses(options);
    const kubelet: KubeletConfig = {
      nodeName: place.name,
      addresses: nodeAddresses(options, place),
      segment: place.segment,
      bootId,
      server: `https://${api.includes(':') ? `[${api}]` : api}:${UNDERLAY.api.port}`,
      ca,
      token: kubeletToken(place.name),
      clusterDns: dnsAddresses(options),
      clusterDomain: 'cluster.local',
      repository,
      node,
      busybox: busybox.path,
      applets: PLACES.busybox,
      socket: kubeletSocket(PLACES.run, place.name),
      pluginSources,
      version,
    };
    return { place, kubelet };
  }

  async #pods(): Promise<readonly LabPod[]> {
    const processes = descendants(this.#universe.pid);
    const lists = [...this.#nodes.values()].map(async ({ place, hold }): Promise<readonly LabPod[]> => {
      if (hold === undefined) return [];
      const kubelet = processes.find(({ pids }) => pids[UNIVERSE_DEPTH] === hold.pid);
      if (kubelet === undefined) return [];
      const pods = await this.#kubeletPods(place.name);
      // Pids as the node counts them, which is one namespace further in.
      const ofNode = new Map(below(kubelet.pid, processes).map(({ pid: host, pids }) => [pids[NODE_DEPTH] ?? 0, host]));
      const hostPid = (inner: number | null): number | null => (inner === null ? null : (ofNode.get(inner) ?? null));
      return pods.map((pod) => ({
        ...pod,
        sandboxPid: hostPid(pod.sandboxPid),
        node: place.name,
        // Of the process that holds it: the kubelet's own root and namespaces are a container's while it starts one.
        netns: `/proc/${hostPid(pod.sandboxPid) ?? kubelet.pid}/ns/net`,
        containers: pod.containers.map((container) => ({
          ...container,
          pid: hostPid(container.pid),
        })),
      }));
    });
    return (await Promise.all(lists)).flat();
  }

  async #kubeletPods(node: string): Promise<readonly LabPod[]> {
    const path = kubeletSocket(this.#config.paths.runDir, node);
    const pods = JSON.parse(await get(path, '/lab/pods')) as readonly (LabPod & { netns: string | null })[];
    return pods.filter(({ netns }) => netns !== null);
  }

  /** Path inside the universe of the network namespace of a place, and its addresses. */
  async #locate(place: LabPlace, pods: readonly LabPod[]): Promise<{ netns: string; addresses: readonly string[] }> {
    const { options } = this.#config;
    switch (place.kind) {
      case 'router':
        return { netns: '/proc/1/ns/net', addresses: apiAddresses(options) };
      case 'outside': {
        const { ipv4, ipv6 } = UNDERLAY.outside.host;
        return { netns: `/proc/${this.#outsidePid()}/ns/net`, addresses: [ipv4, ipv6] };
      }
      case 'node': {
        const { place: where, hold } = this.#record(place.name);
        if (hold === undefined) throw new SluiceError('control-failed', `node ${place.name} does not run`);
        return { netns: `/proc/1/fd/${hold.netFd}`, addresses: nodeAddresses(options, where) };
      }
      case 'pod': {
        const pod = pods.find(({ namespace, name }) => namespace === place.namespace && name === place.name);
        if (pod === undefined)
          throw new SluiceError('control-failed', `pod ${place.namespace}/${place.name} does not run`);
        // The list has the host's numbers; the universe has its own.
        const holder = [...this.#hostPids()].find(([, host]) => host === pod.sandboxPid);
        if (holder === undefined)
          throw new SluiceError('control-failed', `pod ${place.namespace}/${place.name} does not run`);
        const netns = `/proc/${holder[0]}/ns/net`;
        return { netns, addresses: pod.ips };
      }
    }
  }

  async #probe(attempts: readonly LabAttempt[], timeoutMs: number | undefined): Promise<ControlReplies['probe']> {
    const pods = await this.#pods();
    const endpoints: ProbeInput['endpoints'][number][] = [];
    const index = new Map<string, number>();
    const indexOf = async (place: LabPlace): Promise<number> => {
      const id = JSON.stringify(place);
      const known = index.get(id);
      if (known !== undefined) return known;
      index.set(id, endpoints.length);
      endpoints.push({ id, ...(await this.#locate(place, pods)) });
      return endpoints.length - 1;
    };
    const numbered: ProbeInput['attempts'][number][] = [];
    for (const { from, to, ...rest } of attempts)
      numbered.push({ ...rest, from: await indexOf(from), to: await indexOf(to) });
    const input: ProbeInput = { endpoints, attempts: numbered, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const { repository, node } = this.#config;
    const command = [node, programToRun(repository, 'src/app/lab/universe/probe-main.ts')];
    const result = (await this.#universe.request({
      op: 'exec',
      netns: '',
      command,
      stdin: JSON.stringify(input),
    })) as ControlReplies['exec'];
    if (result.code !== 0) throw new SluiceError('control-failed', `the prober failed: ${result.stderr.trim()}`);
    return JSON.parse(result.stdout) as ControlReplies['probe'];
  }

  async #exec({ at, command, stdin }: Extract<ControlRequest, { op: 'exec' }>): Promise<ControlReplies['exec']> {
    const { netns } = await this.#locate(at, at.kind === 'pod' ? await this.#pods() : []);
    const request = { op: 'exec', netns, command, ...(stdin === undefined ? {} : { stdin }) } as const;
    return (await this.#universe.request(request)) as ControlReplies['exec'];
  }

  async #agentStatus(node: string, path: string): Promise<unknown> {
    const { hold } = this.#record(node);
    if (hold === undefined) throw new SluiceError('control-failed', `node ${node} does not run`);
    const text = await get(`/proc/${this.#universe.initPid}/fd/${hold.rootFd}/run/sluice/agent.sock`, path);
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
}

/** The processes below `ancestor`, itself included. */
function below(ancestor: number, all: readonly HostProcess[]): readonly HostProcess[] {
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === ancestor || isBelow(parents.get(pid)));
  return all.filter(({ pid }) => isBelow(pid));
}

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, path, timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', (error) =>
      reject(new SluiceError('control-failed', `${socketPath}${path}: ${error.message}`, {}, error)),
    );
    request.end();
  });
}
