import { readConfiguration, readFilter, readPeer } from '../../core/bgp/index.ts';
import type { BgpConfiguration, BgpFilter, BgpPeer, BgpProblem } from '../../core/bgp/index.ts';
import type { PolicyIssue } from '../../core/policy/model.ts';
import type { PolicyObject } from '../../core/policy/normalise/registry.ts';
import { BGP_CONFIGURATIONS, BGP_FILTERS, BGP_PEERS } from '../../host/kube-client/resources.ts';
import type { KubeClient, Resource } from '../../host/kube-client/types.ts';
import { LayeredKind } from './layered-kind.ts';
import type { Understood } from './layered-kind.ts';

/** Who wants to know what changed. */
export interface BgpListener {
  readonly onChange: () => void;
  readonly onIssues: (issues: readonly PolicyIssue[]) => void;
  readonly onError: (what: string, error: unknown) => void;
}

interface Named<T> {
  readonly name: string;
  readonly value: T;
}

/** Calico's BGP resources, as far as the cluster has their definitions. */
export class BgpFeed {
  readonly #configurations: LayeredKind<Named<BgpConfiguration>>;
  readonly #peers: LayeredKind<Named<BgpPeer>>;
  readonly #filters: LayeredKind<Named<BgpFilter>>;
  /** Resolves when every collection is known; never rejects. */
  readonly synced: Promise<unknown>;
  /** Settles after the signal has aborted and all watches have ended. */
  readonly done: Promise<unknown>;

  constructor(client: KubeClient, listener: BgpListener, signal: AbortSignal) {
    const kind = <T>(resources: readonly Resource[], read: Reader<T>): LayeredKind<Named<T>> =>
      new LayeredKind(client, { ...listener, resources, read: (object) => understood(object, read) }, signal);
    this.#configurations = kind(BGP_CONFIGURATIONS, readConfiguration);
    this.#peers = kind(BGP_PEERS, readPeer);
    this.#filters = kind(BGP_FILTERS, readFilter);
    const informers = this.#all().flatMap((each) => each.informers);
    this.synced = Promise.all(informers.map((each) => each.synced));
    this.done = Promise.all(informers.map((each) => each.done));
  }

  configurations(): ReadonlyMap<string, BgpConfiguration> {
    return byName(this.#configurations);
  }

  peers(): readonly BgpPeer[] {
    return [...this.#peers.values()].map(({ value }) => value);
  }

  filters(): ReadonlyMap<string, BgpFilter> {
    return byName(this.#filters);
  }

  /** What of these objects is not understood. */
  issues(): readonly PolicyIssue[] {
    return this.#all().flatMap((each) => [...each.issues()]);
  }

  #all(): readonly Pick<LayeredKind<never>, 'informers' | 'issues'>[] {
    return [this.#configurations, this.#peers, this.#filters];
  }
}

type Reader<T> = (object: PolicyObject) => { readonly value: T | undefined; readonly issues: readonly BgpProblem[] };

function understood<T>(object: PolicyObject, read: Reader<T>): Understood<Named<T>> {
  const { value, issues } = read(object);
  const { kind, metadata: { name = '' } = {} } = object;
  return {
    ...(value === undefined ? {} : { value: { name, value } }),
    issues: issues.map(({ object: policy, message }) => {
      const [, path = '', problem = message] = /^(\S+): (.*)$/s.exec(message) ?? [];
      return { policy, source: { kind: kind ?? '', name, path }, message: problem };
    }),
  };
}

function byName<T>(kind: LayeredKind<Named<T>>): ReadonlyMap<string, T> {
  return new Map([...kind.values()].map(({ name, value }) => [name, value]));
}
