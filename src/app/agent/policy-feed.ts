import type { Delta as CalcDelta } from '../../core/calc/model.ts';
import { hostEndpoint } from '../../core/policy/calico/host-endpoint.ts';
import { networkSet } from '../../core/policy/calico/network-set.ts';
import { profile } from '../../core/policy/calico/profile.ts';
import { policySettings } from '../../core/policy/calico/settings.ts';
import { tierSpec } from '../../core/policy/calico/tier.ts';
import { withProfileLabels } from '../../core/policy/cluster-state.ts';
import type { HostEndpointInfo, NetworkSetInfo, PolicySettings, ProfileInfo } from '../../core/policy/cluster.ts';
import type { Policy, PolicyIssue, TierSpec } from '../../core/policy/model.ts';
import { normalisePolicy } from '../../core/policy/normalise/registry.ts';
import type { PolicyObject } from '../../core/policy/normalise/registry.ts';
import { DEFAULT_TUNNELS, tunnelSettings } from '../../core/routing/index.ts';
import type { TunnelSettings } from '../../core/routing/index.ts';
import { DEFAULT_WIREGUARD, wireguardSettings } from '../../core/wireguard/index.ts';
import type { WireguardSettings } from '../../core/wireguard/index.ts';
import type { Informer } from '../../host/kube-client/informer.ts';
import {
  ADMIN_NETWORK_POLICIES,
  BASELINE_ADMIN_NETWORK_POLICIES,
  CALICO_NETWORK_POLICIES,
  CLUSTER_NETWORK_POLICIES,
  FELIX_CONFIGURATIONS,
  GLOBAL_NETWORK_POLICIES,
  GLOBAL_NETWORK_SETS,
  HOST_ENDPOINTS,
  NETWORK_SETS,
  PROFILES,
  TIERS,
} from '../../host/kube-client/resources.ts';
import type { KubeClient, Resource } from '../../host/kube-client/types.ts';
import { LayeredKind } from './layered-kind.ts';
import { interfacePrefixes } from './policy-only-options.ts';
import type { Understood } from './layered-kind.ts';

/** Every kind of policy but NetworkPolicy. Staged ones are for asking what would be, so no node reads them. */
const POLICY_KINDS: readonly (readonly Resource[])[] = [
  [ADMIN_NETWORK_POLICIES],
  [BASELINE_ADMIN_NETWORK_POLICIES],
  [CLUSTER_NETWORK_POLICIES],
  CALICO_NETWORK_POLICIES,
  GLOBAL_NETWORK_POLICIES,
];

/** Who wants to know what changed. */
export interface PolicyListener {
  readonly onDelta: (delta: CalcDelta) => void;
  readonly onTunnelsChanged: () => void;
  readonly onIssues: (issues: readonly PolicyIssue[]) => void;
  readonly onError: (what: string, error: unknown) => void;
}

/** A FelixConfiguration, as far as it is followed. */
interface ClusterSettings {
  readonly policy: PolicySettings | undefined;
  readonly wireguard: WireguardSettings | undefined;
  readonly tunnels: TunnelSettings | undefined;
  readonly prefixes: readonly string[] | undefined;
}

/**
 * The policies that come with CustomResourceDefinitions, and what they speak of. A cluster may have any of them or none:
 * what it does not have is empty.
 */
export class PolicyFeed {
  readonly #client: KubeClient;
  readonly #listener: PolicyListener;
  readonly #signal: AbortSignal;
  readonly #policies: readonly LayeredKind<Policy>[];
  readonly #tiers: LayeredKind<TierSpec>;
  readonly #networkSets: readonly LayeredKind<NetworkSetInfo>[];
  readonly #hostEndpoints: LayeredKind<HostEndpointInfo>;
  readonly #profiles: LayeredKind<ProfileInfo>;
  readonly #settings: LayeredKind<ClusterSettings>;

  constructor(client: KubeClient, listener: PolicyListener, signal: AbortSignal) {
    this.#client = client;
    this.#listener = listener;
    this.#signal = signal;
    this.#policies = POLICY_KINDS.map((resources) =>
      this.#kind(resources, readPolicy, ({ key }, value) => ({ kind: 'policy', key, value })),
    );
    this.#tiers = this.#kind(TIERS, tierSpec, ({ name }, value) => ({ kind: 'tier', key: name, value }));
    this.#networkSets = [NETWORK_SETS, GLOBAL_NETWORK_SETS].map((resources) =>
      this.#kind(resources, networkSet, ({ key }, value) => ({ kind: 'network-set', key, value })),
    );
    this.#hostEndpoints = this.#kind(HOST_ENDPOINTS, hostEndpoint, ({ name }, value) => ({
      kind: 'host-endpoint',
      key: name,
      value,
    }));
    this.#profiles = this.#kind(PROFILES, profile, ({ name }, value) => ({ kind: 'profile', key: name, value }));
    this.#settings = this.#kind(FELIX_CONFIGURATIONS, readSettings, (_, value) => {
      this.#listener.onTunnelsChanged();
      return { kind: 'settings', key: 'default', value: value?.policy };
    });
  }

  get informers(): readonly Informer<unknown>[] {
    return this.#all().flatMap((each) => each.informers);
  }

  *policies(): Generator<Policy> {
    for (const each of this.#policies) yield* each.values();
  }

  tiers(): Iterable<TierSpec> {
    return this.#tiers.values();
  }

  *networkSets(): Generator<NetworkSetInfo> {
    for (const each of this.#networkSets) yield* each.values();
  }

  /** By name, with the labels of their profiles. */
  hostEndpoints(): ReadonlyMap<string, HostEndpointInfo> {
    const hosts = new Map([...this.#hostEndpoints.values()].map((each) => [each.name, each]));
    return withProfileLabels(hosts, new Map([...this.profiles()].map((each) => [each.name, each])));
  }

  profiles(): Iterable<ProfileInfo> {
    return this.#profiles.values();
  }

  /** Undefined where the cluster says nothing. */
  get settings(): PolicySettings | undefined {
    return [...this.#settings.values()][0]?.policy;
  }

  get tunnels(): TunnelSettings {
    return [...this.#settings.values()][0]?.tunnels ?? DEFAULT_TUNNELS;
  }

  /** Prefixes of pods' interfaces; undefined where the cluster says nothing. */
  get interfacePrefixes(): readonly string[] | undefined {
    return [...this.#settings.values()][0]?.prefixes;
  }

  get wireguard(): WireguardSettings {
    return [...this.#settings.values()][0]?.wireguard ?? DEFAULT_WIREGUARD;
  }

  /** What of all these objects is not understood. */
  *issues(): Generator<PolicyIssue> {
    for (const each of this.#all()) yield* each.issues();
  }

  /** Everything that is known now, for a new calculation. */
  *snapshot(): Generator<CalcDelta> {
    for (const value of this.tiers()) yield { kind: 'tier', key: value.name, value };
    for (const value of this.networkSets()) yield { kind: 'network-set', key: value.key, value };
    for (const value of this.#hostEndpoints.values()) yield { kind: 'host-endpoint', key: value.name, value };
    for (const value of this.profiles()) yield { kind: 'profile', key: value.name, value };
    if (this.settings !== undefined) yield { kind: 'settings', key: 'default', value: this.settings };
    for (const value of this.policies()) yield { kind: 'policy', key: value.key, value };
  }

  #kind<V>(
    resources: readonly Resource[],
    read: (object: PolicyObject) => Understood<V>,
    deltaOf: (named: V, value: V | undefined) => CalcDelta,
  ): LayeredKind<V> {
    const { onDelta, onIssues, onError } = this.#listener;
    const onChange = (now: V | undefined, before: V | undefined): void => {
      const named = now ?? before;
      if (named !== undefined) onDelta(deltaOf(named, now));
    };
    return new LayeredKind(this.#client, { resources, read, onChange, onIssues, onError }, this.#signal);
  }

  #all(): readonly Pick<LayeredKind<never>, 'informers' | 'issues'>[] {
    return [...this.#policies, this.#tiers, ...this.#networkSets, this.#hostEndpoints, this.#profiles, this.#settings];
  }
}

function readPolicy(object: PolicyObject): Understood<Policy> {
  const normalised = normalisePolicy(object);
  return normalised === undefined ? { issues: [] } : { value: normalised.policy, issues: normalised.issues };
}

/** Only the configuration named `default` is the cluster's. */
function readSettings(object: PolicyObject): Understood<ClusterSettings> {
  if (object.metadata?.name !== 'default') return { issues: [] };
  const [policy, wireguard, tunnels] = [policySettings(object), wireguardSettings(object), tunnelSettings(object)];
  const { interfacePrefix } = (object.spec ?? {}) as { readonly interfacePrefix?: unknown };
  const prefixes = typeof interfacePrefix === 'string' ? interfacePrefixes(interfacePrefix) : undefined;
  return {
    value: { policy: policy.value, wireguard: wireguard.value, tunnels: tunnels.value, prefixes },
    issues: [...policy.issues, ...wireguard.issues, ...tunnels.issues],
  };
}
