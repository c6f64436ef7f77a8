/** One kind that goes from datastore to datastore. */
export interface MigratedKind {
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Address management's kinds are never served in the group of the resources that people write. */
  readonly internal: boolean;
}

const resource = (plural: string, kind: string, namespaced = false): MigratedKind => ({
  plural,
  kind,
  namespaced,
  internal: false,
});

const internal = (plural: string, kind: string): MigratedKind => ({ plural, kind, namespaced: false, internal: true });

/**
 * What a datastore consists of, in the order in which it is written: what others speak of comes first. Calico's Nodes and
 * WorkloadEndpoints are not among it: in either datastore Sluice takes nodes and pods from Kubernetes.
 */
export const MIGRATED_KINDS: readonly MigratedKind[] = [
  internal('ipamconfigs', 'IPAMConfig'),
  { ...resource('ippools', 'IPPool'), internal: true },
  resource('ipreservations', 'IPReservation'),
  resource('tiers', 'Tier'),
  resource('globalnetworkpolicies', 'GlobalNetworkPolicy'),
  resource('stagedglobalnetworkpolicies', 'StagedGlobalNetworkPolicy'),
  resource('globalnetworksets', 'GlobalNetworkSet'),
  resource('hostendpoints', 'HostEndpoint'),
  resource('networkpolicies', 'NetworkPolicy', true),
  resource('stagednetworkpolicies', 'StagedNetworkPolicy', true),
  resource('stagedkubernetesnetworkpolicies', 'StagedKubernetesNetworkPolicy', true),
  resource('networksets', 'NetworkSet', true),
  resource('profiles', 'Profile'),
  resource('felixconfigurations', 'FelixConfiguration'),
  resource('bgpconfigurations', 'BGPConfiguration'),
  resource('bgppeers', 'BGPPeer'),
  resource('bgpfilters', 'BGPFilter'),
  resource('kubecontrollersconfigurations', 'KubeControllersConfiguration'),
  internal('blockaffinities', 'BlockAffinity'),
  internal('ipamblocks', 'IPAMBlock'),
  internal('ipamhandles', 'IPAMHandle'),
];

/** Prefixes of what Calico itself derives from Kubernetes' objects, in etcd only, and derives again wherever it runs. */
const DERIVED = { networkpolicies: 'knp.default.', profiles: /^(?:kns|ksa)\./ } as const;

/** Whether the object follows from an object of Kubernetes and does not move. */
export function isDerived(plural: string, name: string): boolean {
  if (plural === 'networkpolicies') return name.startsWith(DERIVED.networkpolicies);
  return plural === 'profiles' && (DERIVED.profiles.test(name) || name === 'projectcalico-default-allow');
}
