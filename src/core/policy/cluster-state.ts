import type { Ip } from '../../base/ip/index.ts';
import { nameOf, namespaceNameOf } from '../kube/object-name.ts';
import type { EndpointSlice, Namespace, NetworkPolicy, Node, Pod, Service, ServiceAccount } from '../kube/types.ts';
import type { Converted } from './calico/converted.ts';
import { hostEndpoint } from './calico/host-endpoint.ts';
import { ipPool } from './calico/ip-pool.ts';
import { networkSet } from './calico/network-set.ts';
import { profile } from './calico/profile.ts';
import { DEFAULT_SETTINGS, policySettings } from './calico/settings.ts';
import { withStaged } from './calico/staged.ts';
import { tierSpec } from './calico/tier.ts';
import { EMPTY_STATE, namespaceOf } from './cluster.ts';
import type { ClusterState, HostEndpointInfo, NamespaceInfo, ProfileInfo, SliceBackend } from './cluster.ts';
import { labelsOf, namespaceInfo, nodeEndpoint, podEndpoint, serviceInfo, sliceBackends } from './endpoints.ts';
import type { Policy, PolicyIssue } from './model.ts';
import { normaliseNetworkPolicy } from './normalise/network-policy.ts';
import type { Normalised } from './normalise/network-policy.ts';
import { normalisePolicy } from './normalise/registry.ts';
import type { PolicyObject } from './normalise/registry.ts';
import type { Locate } from './normalise/scope.ts';
import { BUILT_IN_TIERS, tiersOf } from './tiers.ts';

/** The objects of a cluster that verdicts depend on, as lists of the API's own types. */
export interface ClusterObjects {
  readonly namespaces?: Iterable<Namespace>;
  readonly pods?: Iterable<Pod>;
  readonly nodes?: Iterable<Node>;
  readonly services?: Iterable<Service>;
  readonly endpointSlices?: Iterable<EndpointSlice>;
  readonly serviceAccounts?: Iterable<ServiceAccount>;
  /** Of `networking.k8s.io/v1`, whatever their `apiVersion` and `kind` say. */
  readonly networkPolicies?: Iterable<NetworkPolicy>;
  /** Of any API in `normalise/registry.ts`; others are passed over. */
  readonly policies?: Iterable<PolicyObject>;
  /** Calico's Tiers, NetworkSets and GlobalNetworkSets, IPPools, HostEndpoints, Profiles and FelixConfigurations. */
  readonly tiers?: Iterable<PolicyObject>;
  readonly networkSets?: Iterable<PolicyObject>;
  readonly ipPools?: Iterable<PolicyObject>;
  readonly hostEndpoints?: Iterable<PolicyObject>;
  readonly profiles?: Iterable<PolicyObject>;
  readonly felixConfigurations?: Iterable<PolicyObject>;
  /** Addresses that the cluster's DNS has answered with, by name in lower case without a final dot. */
  readonly domains?: ReadonlyMap<string, readonly Ip[]>;
}

/** Tells where an object's fields were read from. */
export type LocateObject = (object: object) => Locate | undefined;

/** How objects become a state. */
export interface StateOptions {
  /** Whether staged policies are judged as if they were in force. */
  readonly staged?: 'ignored' | 'enforced';
}

/** The state of the cluster that consists of `objects`. Of two objects with one name the later counts. */
export function clusterState(objects: ClusterObjects, locate?: LocateObject, options: StateOptions = {}): ClusterState {
  const policies = normalise(objects, locate);
  const written = [...policies.values()].map(({ policy }) => policy);
  const inForce = options.staged === 'enforced' ? withStaged(written) : written;
  const tiers = convert(objects.tiers, tierSpec, (each) => each.name, locate);
  const networkSets = convert(objects.networkSets, networkSet, (each) => each.key, locate);
  const pools = convert(objects.ipPools, ipPool, (each) => each.name, locate);
  const hostEndpoints = convert(objects.hostEndpoints, hostEndpoint, (each) => each.name, locate);
  const declared = convert(objects.profiles, profile, (each) => each.name, locate);
  const profiles = new Map([[DEFAULT_ALLOW.name, DEFAULT_ALLOW], ...declared.values]);
  const settings = convert(onlyDefault(objects.felixConfigurations), policySettings, () => 'default', locate);
  const state: ClusterState = {
    ...EMPTY_STATE,
    namespaces: index(objects.namespaces, namespaceInfo, (each) => each.name),
    pods: index(objects.pods, podEndpoint, (each) => each.key),
    nodes: index(objects.nodes, nodeEndpoint, (each) => each.name),
    services: index(objects.services, serviceInfo, (each) => each.key),
    slices: slicesByService(objects.endpointSlices ?? []),
    serviceAccounts: new Map([...(objects.serviceAccounts ?? [])].map(accountLabels)),
    networkSets: networkSets.values,
    pools: pools.values,
    hostEndpoints: withProfileLabels(hostEndpoints.values, profiles),
    profiles,
    domains: objects.domains ?? EMPTY_STATE.domains,
    settings: settings.values.get('default') ?? DEFAULT_SETTINGS,
    tiers: tiersOf(inForce, tiers.values.values()),
    issues: [
      ...[...policies.values()].flatMap((each) => each.issues),
      ...[tiers, networkSets, pools, hostEndpoints, declared, settings].flatMap((each) => each.issues),
      ...withoutTier(policies.values(), new Set([...tiers.values.keys(), ...BUILT_IN_TIERS.map((each) => each.name)])),
    ],
  };
  return { ...state, namespaces: withImplied(state, inForce) };
}

/** The profile that Calico always has, and that the host endpoints bear which it makes itself. */
export const DEFAULT_ALLOW: ProfileInfo = allowingProfile('projectcalico-default-allow');

function allowingProfile(name: string): ProfileInfo {
  const source = { kind: 'Profile', name, path: '' };
  const rules = [{ action: 'allow', index: 0, source, peers: 'any', ports: 'any' }] as const;
  return { name, ingress: rules, egress: rules };
}

interface LocatedPolicy extends Normalised {
  readonly place: Locate | undefined;
}

/** Of all policies, by key. */
function normalise(objects: ClusterObjects, locate: LocateObject | undefined): ReadonlyMap<string, LocatedPolicy> {
  const result = new Map<string, LocatedPolicy>();
  for (const each of objects.networkPolicies ?? []) {
    const place = locate?.(each);
    const normalised = normaliseNetworkPolicy(each, place);
    result.set(normalised.policy.key, { ...normalised, place });
  }
  for (const each of objects.policies ?? []) {
    const place = locate?.(each);
    const normalised = normalisePolicy(each, place);
    if (normalised !== undefined) result.set(normalised.policy.key, { ...normalised, place });
  }
  return result;
}

/** A host endpoint inherits the labels that its profiles apply; of several that apply one the last counts. */
export function withProfileLabels(
  hosts: ReadonlyMap<string, HostEndpointInfo>,
  profiles: ReadonlyMap<string, ProfileInfo>,
): ReadonlyMap<string, HostEndpointInfo> {
  return new Map(
    [...hosts].map(([name, host]) => {
      const inherited = host.profiles.map((each) => profiles.get(each)?.labels ?? {});
      return [name, { ...host, labels: Object.assign({}, ...inherited, host.labels) as HostEndpointInfo['labels'] }];
    }),
  );
}

function withoutTier(policies: Iterable<LocatedPolicy>, tiers: ReadonlySet<string>): PolicyIssue[] {
  return [...policies]
    .filter(({ policy }) => !tiers.has(policy.tier))
    .map(({ policy: { key, source, tier }, place }) => ({
      policy: key,
      source: { ...source, path: 'spec.tier', ...place?.('spec.tier') },
      message: `there is no tier ${tier}, so the policy is not in force`,
    }));
}

/** The namespaces that objects are in exist, whether anyone declared them or not. */
function withImplied(state: ClusterState, policies: readonly Policy[]): ReadonlyMap<string, NamespaceInfo> {
  const namespaces = new Map(state.namespaces);
  const imply = (name: string | undefined) => {
    if (name !== undefined && !namespaces.has(name)) namespaces.set(name, namespaceOf(state, name));
  };
  for (const each of state.pods.values()) imply(each.namespace);
  for (const each of state.services.values()) imply(each.namespace);
  for (const each of state.networkSets.values()) imply(each.namespace);
  for (const each of policies) imply(each.source.namespace);
  return namespaces;
}

interface ConvertedObjects<T> {
  readonly values: ReadonlyMap<string, T>;
  readonly issues: readonly PolicyIssue[];
}

function convert<T>(
  objects: Iterable<PolicyObject> | undefined,
  read: (object: PolicyObject, locate?: Locate) => Converted<T>,
  key: (value: T) => string,
  locate: LocateObject | undefined,
): ConvertedObjects<T> {
  const values = new Map<string, T>();
  const issues: PolicyIssue[] = [];
  for (const object of objects ?? []) {
    const converted = read(object, locate?.(object));
    issues.push(...converted.issues);
    if (converted.value !== undefined) values.set(key(converted.value), converted.value);
  }
  return { values, issues };
}

function onlyDefault(objects: Iterable<PolicyObject> | undefined): PolicyObject[] {
  return [...(objects ?? [])].filter((each) => each.metadata?.name === 'default');
}

function accountLabels(account: ServiceAccount): readonly [string, Readonly<Record<string, string>>] {
  return [`${namespaceNameOf(account)}/${nameOf(account)}`, labelsOf(account)];
}

function index<From, To>(objects: Iterable<From> | undefined, read: (object: From) => To, key: (read: To) => string) {
  const result = new Map<string, To>();
  for (const object of objects ?? []) {
    const converted = read(object);
    result.set(key(converted), converted);
  }
  return result;
}

function slicesByService(slices: Iterable<EndpointSlice>): Map<string, SliceBackend[]> {
  const result = new Map<string, SliceBackend[]>();
  for (const slice of slices) {
    const service = slice.metadata?.labels?.['kubernetes.io/service-name'];
    if (service === undefined) continue;
    const key = `${namespaceNameOf(slice)}/${service}`;
    const known = result.get(key);
    if (known === undefined) result.set(key, sliceBackends(slice));
    else known.push(...sliceBackends(slice));
  }
  return result;
}
