import { formatIp } from '../../base/ip/index.ts';
import type { Cidr } from '../../base/ip/index.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { bgpView, birdConfig, notReadyForBgp } from '../../core/bgp/index.ts';
import type { BgpProblem } from '../../core/bgp/index.ts';
import type { Bird } from '../../host/bird/port.ts';
import type { BirdRoute } from '../../host/bird/routes.ts';
import type { BirdSession } from '../../host/bird/sessions.ts';
import { pause } from '../../host/kube-client/pause.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { BgpFeed } from './bgp-feed.ts';
import { advertisesServices, bgpInput } from './bgp-input.ts';
import type { BgpCluster } from './bgp-input.ts';
import { BgpSecrets } from './bgp-secrets.ts';
import type { FeedListener } from './cluster-feed.ts';
import { nodesWithoutBgp } from './published-backends.ts';

/** What `GET /bgp` answers: the sessions of this node, and the routes that BIRD has. */
export interface BgpStatus {
  readonly node: string;
  /** Why BIRD cannot be asked, or does not do what it should; empty when all is well. */
  readonly error: string;
  /** Why the node is not ready, as far as BGP goes; empty when it is. */
  readonly notReady: string;
  readonly problems: readonly BgpProblem[];
  readonly sessions: readonly BirdSession[];
  readonly routes: readonly BirdRoute[];
}

export interface BgpSpeakerDependencies {
  readonly client: KubeClient;
  readonly bird: Bird;
  readonly cluster: () => BgpCluster;
  /** Hears what addresses of Services this node advertises. */
  readonly onServices: (cidrs: readonly Cidr[]) => void;
  readonly log: Logger;
  readonly listener: Pick<FeedListener, 'onIssues' | 'onError'>;
  readonly signal: AbortSignal;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** How long changes are gathered before BIRD hears of them, milliseconds. */
const GATHER = 100;

/** Keeps this node's BIRD configured as the cluster says. A configuration that stays the same is not given to it again. */
export class BgpSpeaker {
  readonly #node: string;
  readonly #dependencies: BgpSpeakerDependencies;
  readonly #feed: BgpFeed;
  readonly #secrets: BgpSecrets;
  readonly #startedAt: number;
  #started = false;
  #isDue = false;
  #problems: readonly BgpProblem[] = [];
  #error = '';

  constructor(node: string, namespace: string, dependencies: BgpSpeakerDependencies) {
    const { client, listener, signal } = dependencies;
    this.#node = node;
    this.#dependencies = dependencies;
    this.#startedAt = dependencies.now();
    this.#secrets = new BgpSecrets(client, namespace, signal);
    this.#feed = new BgpFeed(client, { ...listener, onChange: () => this.changed() }, signal);
  }

  /** Configures BIRD for the first time, which starts it. Call it when the cluster is known. */
  async start(): Promise<void> {
    await this.#feed.synced;
    this.#started = true;
    await this.#apply();
  }

  /** Something that the configuration may depend on has changed. */
  changed(): void {
    if (!this.#started || this.#isDue) return;
    this.#isDue = true;
    void this.#applySoon();
  }

  /** A Service has changed, or where its endpoints are: most clusters advertise none. */
  servicesChanged(): void {
    if (this.#started && advertisesServices(this.#feed.configurations())) this.changed();
  }

  /** Passwords have no watch, and a BIRD that ended is to be started again. */
  async upkeep(): Promise<void> {
    if (!this.#started) return;
    await this.#tell(async () => {
      await this.#secrets.refresh();
      await this.#apply();
    });
  }

  async status(): Promise<BgpStatus> {
    const { bird } = this.#dependencies;
    const common = { node: this.#node, problems: this.#problems };
    try {
      const [sessions, routes, recovering] = await Promise.all([bird.sessions(), bird.routes(), bird.recovering()]);
      const notReady = this.#notReady(sessions, recovering);
      return { ...common, error: this.#error, notReady, sessions, routes };
    } catch (error) {
      const reason = this.#error || messageOf(error);
      return { ...common, error: reason, notReady: reason, sessions: [], routes: [] };
    }
  }

  /** Why the node is not ready, as far as BGP goes; empty when it is. */
  async notReady(): Promise<string> {
    const { bird } = this.#dependencies;
    try {
      return this.#notReady(...(await Promise.all([bird.sessions(), bird.recovering()])));
    } catch (error) {
      return this.#error || messageOf(error);
    }
  }

  /** Leaves BIRD's routes in force here and at its peers until the next agent has started it again. */
  async stop(): Promise<void> {
    const { log, bird } = this.#dependencies;
    await bird.stop().catch((error: unknown) => log.warn('BIRD did not end well', { error: messageOf(error) }));
    await this.#feed.done;
  }

  #notReady(sessions: readonly BirdSession[], recovering: boolean): string {
    const { cluster, now } = this.#dependencies;
    const others = nodesWithoutBgp(cluster().nodes.items, this.#node);
    const without = new Set(others.flatMap(({ bgp }) => bgp.addresses.map(({ ip }) => formatIp(ip))));
    return notReadyForBgp({ sessions, recovering, without }, now() - this.#startedAt);
  }

  async #applySoon(): Promise<void> {
    await pause(GATHER, this.#dependencies.signal);
    this.#isDue = false;
    if (!this.#dependencies.signal.aborted) await this.#tell(() => this.#apply());
  }

  async #apply(): Promise<void> {
    const { bird, log, cluster } = this.#dependencies;
    const derive = () => bgpView(bgpInput(this.#node, cluster(), this.#feed, (key) => this.#secrets.value(key)));
    let view = derive();
    if (this.#secrets.isBehind) {
      await this.#secrets.refresh();
      view = derive();
    }
    if (view === undefined) return;
    this.#reportNew(view.problems);
    this.#dependencies.onServices(view.services);
    const outcome = await bird.configure(birdConfig(view));
    this.#error = '';
    if (outcome !== 'unchanged') log.info('BIRD is configured', { outcome, sessions: view.sessions.length });
  }

  #reportNew(problems: readonly BgpProblem[]): void {
    const known = new Set(this.#problems.map(({ object, message }) => `${object} ${message}`));
    for (const { object, message } of problems)
      if (!known.has(`${object} ${message}`))
        this.#dependencies.log.warn('BGP lacks something', { object, problem: message });
    this.#problems = problems;
  }

  async #tell(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#error) this.#dependencies.log.error('BIRD is not as it should be', { error: message });
      this.#error = message;
    }
  }
}
