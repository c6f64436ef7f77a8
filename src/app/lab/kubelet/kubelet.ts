import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod, Service } from 'kubernetes-types/core/v1.d.ts';
import { messageOf } from '../../../base/errors.ts';
import type { Logger } from '../../../base/log.ts';
import { createCniRuntime } from '../../../host/cni-runtime/create-runtime.ts';
import { httpKubeClient } from '../../../host/kube-client/http-client.ts';
import { informer } from '../../../host/kube-client/informer.ts';
import { pause } from '../../../host/kube-client/pause.ts';
import { PODS, SERVICES } from '../../../host/kube-client/resources.ts';
import type { KubeletConfig } from './config.ts';
import { NODE_PATHS } from './config.ts';
import { eventRecorder } from './events.ts';
import { NetworkWatch } from './node/network-watch.ts';
import { NodeRegistration } from './node/register.ts';
import { kubeObjectSource } from './pod/object-source.ts';
import type { PodDependencies } from './pod/pod-worker.ts';
import { PodWorker } from './pod/pod-worker.ts';
import { startKubeletServer } from './server/kubelet-server.ts';

/** Runs the pods of one node until the process ends. */
export async function runKubelet(config: KubeletConfig, log: Logger, signal: AbortSignal): Promise<void> {
  linkPlugins(config.pluginSources);
  const { server, ca, token, nodeName } = config;
  const client = httpKubeClient({ server, ca, token });
  const network = new NetworkWatch(
    createCniRuntime({ pluginDirs: [NODE_PATHS.cniBin], cacheDir: NODE_PATHS.cniCache, timeoutMs: 60_000 }),
  );
  const node = new NodeRegistration(config, { client, log });
  const record = eventRecorder(client, nodeName, log);
  const workers = new Map<string, PodWorker>();
  await startKubeletServer(config.socket, {
    pod: (namespace, name) => [...workers.values()].find(({ pod }) => pod.namespace === namespace && pod.name === name),
    places: () => [...workers.values()].map(place),
  });
  await node.register(signal);
  const services = informer<Service, Service>(client, SERVICES, { project: (service) => service }, signal);
  const deps: PodDependencies = {
    config,
    client,
    source: kubeObjectSource(client),
    network,
    services: () => services.items.values(),
    record,
    log,
    canSwitchUser: canSwitchUser(),
  };
  let settled = false;
  void network.follow((readiness) => {
    log.info('node readiness', { readiness });
    if (readiness.ready && !settled) {
      settled = true;
      void forgetOldSandboxes({ network, log, workers: () => workers.values() }, signal);
    }
    const about = { kind: 'Node', apiVersion: 'v1', name: nodeName, uid: nodeName };
    record(
      about,
      'Normal',
      readiness.ready ? 'NodeReady' : 'NodeNotReady',
      `Node ${nodeName} status is now: ${readiness.ready ? 'NodeReady' : 'NodeNotReady'}`,
    );
    void node.setReadiness(readiness);
  }, signal);
  void node.keepLease(signal);
  await services.synced;
  const pods = informer<Pod, Pod>(
    client,
    PODS,
    {
      fieldSelector: `spec.nodeName=${nodeName}`,
      project: (pod) => pod,
      onDelta: (delta) => {
        if (delta.kind === 'set') take(delta.object, workers, deps);
        else drop(delta.previous, workers, log);
      },
      onError: (error) => log.warn('pods not watched', { error: messageOf(error) }),
    },
    signal,
  );
  await pods.synced;
  removeOrphans(new Set([...pods.items.values()].map(({ metadata }) => metadata?.uid ?? '')));
  await pods.done;
}

function take(pod: Pod, workers: Map<string, PodWorker>, deps: PodDependencies): void {
  const uid = pod.metadata?.uid ?? '';
  const known = workers.get(uid);
  if (known !== undefined) return known.update(pod);
  const worker = new PodWorker(pod, deps);
  workers.set(uid, worker);
  worker.start();
}

function drop(pod: Pod, workers: Map<string, PodWorker>, log: Logger): void {
  const uid = pod.metadata?.uid ?? '';
  const worker = workers.get(uid);
  if (worker === undefined) return;
  workers.delete(uid);
  worker.vanish().catch((error: unknown) => log.error('pod not torn down', { uid, error: messageOf(error) }));
}

/** Removes what pods have left behind that were deleted while the node was down. */
function removeOrphans(uids: ReadonlySet<string>): void {
  if (!existsSync(NODE_PATHS.pods)) return;
  for (const uid of readdirSync(NODE_PATHS.pods))
    if (!uids.has(uid)) rmSync(join(NODE_PATHS.pods, uid), { recursive: true, force: true });
}

/** What the lab wants to know of a pod, for probes and tests; pids are the node's. */
function place(worker: PodWorker): unknown {
  const { pod, sandbox, podIps, runners } = worker;
  return {
    namespace: pod.namespace,
    name: pod.name,
    uid: pod.uid,
    hostNetwork: pod.spec.hostNetwork ?? false,
    ips: podIps,
    netns: sandbox?.netns ?? null,
    sandboxPid: sandbox?.pausePid ?? null,
    containers: runners.map(({ spec, process, restarts }) => ({
      name: spec.name,
      pid: process?.pid ?? null,
      restarts,
    })),
  };
}

/** Between two attempts to undo old attachments, ms. */
const UNDO_RETRY = 2000;

/** After a crash of the node: undoes the attachments whose pods did not survive it, however often that takes. */
async function forgetOldSandboxes(
  node: { readonly network: NetworkWatch; readonly workers: () => Iterable<PodWorker>; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted)
    try {
      // What has been attached in this life stays.
      const sandboxes = [...node.workers()].flatMap(({ sandbox }) => sandbox ?? []);
      const valid = sandboxes.map(({ id }) => ({ containerID: id, ifname: 'eth0' }));
      const list = node.network.current();
      if (list !== undefined) await node.network.runtime.gcNetworkList({ ...list, cniVersion: '1.0.0' }, valid);
      return;
    } catch (error) {
      node.log.warn('old network attachments not removed yet', { error: messageOf(error) });
      await pause(UNDO_RETRY, signal);
    }
}

function linkPlugins(sources: readonly string[]): void {
  mkdirSync(NODE_PATHS.cniBin, { recursive: true });
  for (const directory of sources) {
    if (!existsSync(directory)) continue;
    for (const name of readdirSync(directory)) {
      const link = join(NODE_PATHS.cniBin, name);
      if (!existsSync(link)) symlinkSync(join(directory, name), link);
    }
  }
}

/** Whether there are other users than root: not in a user namespace with a single one. */
function canSwitchUser(): boolean {
  return !/^\s*0\s+\d+\s+1\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
}
