import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod, Service } from 'kubernetes-types/core/v1.d.ts';
import { messageOf } from '../../../../base/errors.ts';
import type { Logger } from '../../../../base/log.ts';
import { isConflict, isNotFound } from '../../../../host/kube-client/errors.ts';
import { pause } from '../../../../host/kube-client/pause.ts';
import { PODS } from '../../../../host/kube-client/resources.ts';
import type { KubeClient } from '../../../../host/kube-client/types.ts';
import type { KubeletConfig } from '../config.ts';
import { NODE_PATHS } from '../config.ts';
import type { RecordEvent } from '../events.ts';
import { prepareVolumes } from '../volumes/prepare-volumes.ts';
import { ContainerRunner } from './container-runner.ts';
import { containerStates } from './container-states.ts';
import type { LiveFields } from './field-ref.ts';
import { podHostname } from './hosts-file.ts';
import type { ObjectSource } from './object-source.ts';
import type { PodContext } from './pod-context.ts';
import type { PodNetwork } from './pod-network.ts';
import { writeEtc } from './pod-etc.ts';
import { PodPlace } from './pod-place.ts';
import { podStatus } from './pod-status.ts';
import type { Sandbox } from './sandbox.ts';
import { serviceEnv } from './service-env.ts';
import { withServiceAccount } from './service-account.ts';
import { StatusWriter } from './status-writer.ts';
import type { NodePod } from './types.ts';
import { utcSeconds } from './utc-seconds.ts';
import { isFinished, nodePod, roleOf } from './types.ts';

/** What every pod of a node needs of it. */
export interface PodDependencies {
  readonly config: KubeletConfig;
  readonly client: KubeClient;
  readonly source: ObjectSource;
  readonly network: PodNetwork;
  readonly services: () => Iterable<Service>;
  readonly record: RecordEvent;
  readonly log: Logger;
  readonly canSwitchUser: boolean;
}

/** One pod of this node from its binding to its end. */
export class PodWorker {
  readonly #deps: PodDependencies;
  readonly #stop = new AbortController();
  readonly #hurry = new AbortController();
  readonly #startTime: string;
  readonly #writer: StatusWriter;
  readonly #place: PodPlace;
  #pod: NodePod;
  #runners: readonly ContainerRunner[] = [];
  #running: Promise<void> = Promise.resolve();
  #ending: Promise<void> | undefined;
  #over = false;
  #recreating = false;

  constructor(pod: Pod, deps: PodDependencies) {
    this.#pod = nodePod(withServiceAccount(pod));
    this.#deps = deps;
    this.#startTime = pod.status?.startTime ?? utcSeconds();
    this.#place = new PodPlace(deps, (message) => this.#event('Warning', 'FailedKillPod', message));
    this.#writer = new StatusWriter(this.#pod, () => this.#status(), deps);
  }

  get pod(): NodePod {
    return this.#pod;
  }

  get sandbox(): Sandbox | undefined {
    return this.#place.sandbox;
  }

  get podIps(): readonly string[] {
    return this.#place.ips;
  }

  get runners(): readonly ContainerRunner[] {
    return this.#runners;
  }

  /** Begins to run the pod, unless it has ended or is being deleted already. */
  start(): void {
    if (isFinished(this.#pod.pod)) {
      this.#over = true;
      if (this.#pod.pod.metadata?.deletionTimestamp !== undefined) this.#ending = this.#remove();
      return;
    }
    if (this.#pod.pod.metadata?.deletionTimestamp !== undefined) return this.end();
    this.#running = this.#heard('pod failed', this.#run());
  }

  /** A new version of the object: only deletion and metadata may have changed. */
  update(pod: Pod): void {
    this.#pod = nodePod(withServiceAccount(pod));
    this.#writer.saw(pod);
    if (pod.metadata?.deletionTimestamp !== undefined) this.end();
  }

  /** Ends the pod as its object says: within its grace period, then the object is deleted. */
  end(): void {
    const { metadata, spec } = this.#pod.pod;
    const grace = metadata?.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
    if (this.#ending !== undefined) {
      // Deleted once more, with a shorter grace period.
      setTimeout(() => this.#hurry.abort(), grace * 1000).unref();
      return;
    }
    this.#ending = this.#terminate(grace).then(() => this.#remove());
  }

  /** The object is gone: nothing of the pod may go on. Resolves when nothing does. */
  async vanish(): Promise<void> {
    this.#writer.stop();
    this.#hurry.abort();
    for (const runner of this.#runners) runner.kill();
    await (this.#ending ?? this.#terminate(0));
    this.#clean();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const context = await this.#prepare(signal);
    if (context === undefined) return;
    if (!(await this.#runInits(signal))) return this.#finish();
    const apps = this.#runners.filter(({ role }) => role === 'app');
    await Promise.all(apps.map((runner) => runner.run()));
    await this.#finish();
  }

  /** All containers have ended for good by themselves. */
  async #finish(): Promise<void> {
    if (this.#stop.signal.aborted || this.#recreating) return;
    const sidecars = this.#runners.filter(({ role }) => role === 'sidecar');
    await Promise.all(sidecars.map((runner) => runner.stop(this.#pod.spec.terminationGracePeriodSeconds ?? 30)));
    await this.#place.close(this.#pod);
    this.#over = true;
    this.#writer.changed();
  }

  /** Namespaces, network, volumes and files; tried again until they are there. Undefined when the pod was stopped. */
  async #prepare(signal: AbortSignal): Promise<PodContext | undefined> {
    let wait = 250;
    this.#writer.changed();
    while (!signal.aborted) {
      try {
        return await this.#prepareOnce();
      } catch (error) {
        const message = messageOf(error);
        const isVolume = (error as { code?: string }).code === 'volume-failed';
        if (isVolume) this.#event('Warning', 'FailedMount', `MountVolume.SetUp failed for ${message}`);
        else this.#event('Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${message}`);
        if (!isVolume) await this.#place.close(this.#pod);
        await pause(wait, signal);
        wait = Math.min(wait * 2, 5000);
      }
    }
    return undefined;
  }

  async #prepareOnce(): Promise<PodContext> {
    const { config, source, services } = this.#deps;
    const pod = this.#pod;
    const directory = join(NODE_PATHS.pods, pod.uid);
    const sandbox = this.#place.open(pod);
    const volumes = prepareVolumes({ pod, live: this.#live(), source, directory });
    // Its failure is reported below; without this a failing network would leave it unheard.
    volumes.catch(() => undefined);
    await this.#place.connect(pod);
    const hostname = pod.spec.hostNetwork ? config.nodeName : podHostname(pod.spec, pod.name);
    const context: PodContext = {
      config,
      pod,
      sandbox,
      source,
      volumes: await volumes,
      directory,
      hostname,
      etc: writeEtc(pod, { directory, hostname, ips: this.#place.ips }, config),
      canSwitchUser: this.#deps.canSwitchUser,
      hurry: this.#hurry.signal,
      live: () => this.#live(),
      serviceEnv: () => (pod.spec.enableServiceLinks === false ? {} : serviceEnv(services(), pod.namespace)),
      event: (type, reason, message) => this.#event(type, reason, message),
      changed: () => this.#writer.changed(),
    };
    const { initContainers = [], containers } = pod.spec;
    this.#runners = [
      ...initContainers.map((container) => new ContainerRunner(container, roleOf(container, true), context)),
      ...containers.map((container) => new ContainerRunner(container, 'app', context)),
    ];
    void this.#heard('pod not made anew', this.#watchSandbox(sandbox));
    this.#writer.changed();
    return context;
  }

  /** Init containers one after the other; false when one has failed for good. */
  async #runInits(signal: AbortSignal): Promise<boolean> {
    for (const runner of this.#runners) {
      if (runner.role === 'app') continue;
      if (signal.aborted) return false;
      if (runner.role === 'init') {
        await runner.run();
        if (runner.exitCode !== 0) return false;
        continue;
      }
      void this.#heard('sidecar failed', runner.run());
      while (!runner.started && !signal.aborted) await pause(50, signal);
    }
    return !signal.aborted;
  }

  /** A pod whose holding process was killed is made anew, as with a real runtime. */
  async #watchSandbox(sandbox: Sandbox): Promise<void> {
    await sandbox.ended;
    if (this.#place.sandbox !== sandbox || this.#stop.signal.aborted || this.#over) return;
    this.#event('Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
    this.#recreating = true;
    for (const runner of this.#runners) runner.kill();
    await this.#running;
    await this.#place.close(this.#pod);
    this.#recreating = false;
    if (!this.#stop.signal.aborted) this.#running = this.#heard('pod failed', this.#run());
  }

  async #terminate(grace: number): Promise<void> {
    this.#stop.abort();
    for (const isSidecar of [false, true]) {
      const runners = this.#runners.filter(({ role }) => (role === 'sidecar') === isSidecar);
      await Promise.all(runners.map((runner) => this.#heard('container not stopped', runner.stop(grace))));
    }
    // What has not stopped as it should ends now: a pod must not be Terminating for ever.
    for (const runner of this.#runners) runner.kill();
    await this.#running;
    await this.#place.close(this.#pod);
    this.#over = true;
  }

  /** Waits for `work`; that it failed is all that there is to say about it. */
  async #heard(what: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#deps.log.error(what, this.#fields({ error: messageOf(error) }));
    }
  }

  /** Tells the API that the pod has ended, whereupon the object goes. */
  async #remove(): Promise<void> {
    this.#writer.changed();
    await this.#writer.flushed();
    const { gone } = this.#writer;
    for (let wait = 100; !gone.aborted && !(await this.#delete()); wait = Math.min(wait * 2, 5000))
      await pause(wait, gone);
  }

  /** Whether the object is gone, or another pod's by now. */
  async #delete(): Promise<boolean> {
    const { namespace, name, uid } = this.#pod;
    try {
      await this.#deps.client.delete(PODS, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
      return true;
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return true;
      this.#deps.log.warn('pod not deleted', this.#fields({ error: messageOf(error) }));
      return false;
    }
  }

  #clean(): void {
    const { namespace, name, uid } = this.#pod;
    rmSync(join(NODE_PATHS.pods, uid), { recursive: true, force: true });
    rmSync(join(NODE_PATHS.logs, `${namespace}_${name}_${uid}`), { recursive: true, force: true });
  }

  #live(): LiveFields {
    return { podIps: this.#place.ips, hostIps: this.#deps.config.addresses };
  }

  #status(): ReturnType<typeof podStatus> {
    return podStatus({
      pod: this.#pod.pod,
      containers: containerStates(this.#pod.spec, this.#runners, this.#over),
      podIps: this.#place.ips,
      hostIps: this.#deps.config.addresses,
      sandboxReady: this.#place.sandbox !== undefined,
      startTime: this.#startTime,
      now: utcSeconds(),
    });
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { namespace, name, uid } = this.#pod;
    this.#deps.record({ kind: 'Pod', apiVersion: 'v1', namespace, name, uid }, type, reason, message);
  }

  #fields(more: Record<string, unknown>): Record<string, unknown> {
    return { namespace: this.#pod.namespace, pod: this.#pod.name, ...more };
  }
}
