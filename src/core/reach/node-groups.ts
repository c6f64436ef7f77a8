import { cidrContains, equalIp, formatIp, parseCidr } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { matchesLabels } from '../kube/labels.ts';
import { primaryAddress } from '../policy/index.ts';
import type { NodeEndpoint } from '../policy/index.ts';
import type { AddressSpace } from './address-space.ts';
import { FAMILIES } from './catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import type { Disguises } from './disguises.ts';
import type { Traits } from './traits.ts';

/** Nodes that no policy tells apart, under their first addresses or under further ones. */
export interface NodeGroupDraft {
  readonly nodes: NodeEndpoint[];
  /** The further address of each node, in their order; empty for first ones. */
  readonly addresses: Ip[];
  readonly families: readonly Family[];
  readonly traits: Traits;
}

/** The groups of all nodes, those of first addresses before the others, and of nodes that only hostNetwork pods tell of. */
export function groupNodes(
  catalogue: Catalogue,
  space: AddressSpace,
  disguises: Disguises | undefined,
): NodeGroupDraft[] {
  const nodes = [...catalogue.state.nodes.values(), ...unknownNodes(catalogue)];
  nodes.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const guarded = new Set(Array.from(catalogue.state.hostEndpoints.values(), (each) => each.node));
  const groups = new Map<string, NodeGroupDraft>();
  const firstOf = new Map<NodeEndpoint, string>();
  const place = (node: NodeEndpoint, addresses: readonly Ip[], further: boolean): void => {
    const disguise = further ? disguises?.ofNode(node, addresses[0]!) : undefined;
    const seen = disguise === undefined ? '' : firstOf.get(node);
    const own = traitsOf(node, addresses, guarded.has(node.name), catalogue, space);
    const traits = disguise === undefined ? own : { ...own, disguise };
    const families = familiesOf(addresses, space);
    // Which host endpoint is asked depends on the very address.
    const which = traits.node === undefined ? '' : `${node.name} ${addresses.map(formatIp).join()}`;
    const { atoms, nodeSelectors } = traits;
    const nets = traits.failsafeNets?.join();
    const key = [further, atoms[4], atoms[6], families.join(), which, nets, ...nodeSelectors, seen].join('\n');
    if (!further) firstOf.set(node, key);
    const group = groups.get(key) ?? { nodes: [], addresses: [], families, traits };
    groups.set(key, group);
    group.nodes.push(node);
    if (further) group.addresses.push(addresses[0]!);
  };
  for (const node of nodes) place(node, firstAddresses(node), false);
  for (const node of nodes)
    for (const ip of furtherAddresses(node, catalogue, space, guarded, disguises)) place(node, [ip], true);
  return [...groups.values()];
}

/** One address of each family. */
export function firstAddresses(node: NodeEndpoint): Ip[] {
  return FAMILIES.flatMap((family) => primaryAddress(node, family) ?? []);
}

/** Addresses that policy may judge differently from the first one of their family. */
function furtherAddresses(
  node: NodeEndpoint,
  { failsafeNets }: Catalogue,
  space: AddressSpace,
  guarded: ReadonlySet<string>,
  disguises: Disguises | undefined,
): Ip[] {
  const further = node.addresses.filter((ip) => {
    const first = primaryAddress(node, ip.family)!;
    return !equalIp(ip, first) && (guarded.has(node.name) || space.atomOf(ip) !== space.atomOf(first));
  });
  const tunnels = node.tunnelAddresses.filter((ip) => {
    const first = primaryAddress(node, ip.family);
    if (first === undefined) return false;
    // A pod is seen as itself at one of the two and as its node at the other.
    if (guarded.has(node.name) && disguises !== undefined && disguises.isPooled(ip) !== disguises.isPooled(first))
      return true;
    return netsOf(ip, failsafeNets).join() !== netsOf(first, failsafeNets).join();
  });
  return [...further, ...tunnels];
}

function netsOf(ip: Ip, nets: ReadonlySet<string>): string[] {
  return [...nets].filter((net) => {
    const block = parseCidr(net);
    return block !== undefined && cidrContains(block, ip);
  });
}

function traitsOf(
  node: NodeEndpoint,
  addresses: readonly Ip[],
  guarded: boolean,
  { nodeSelectors, failsafeNets }: Catalogue,
  space: AddressSpace,
): Traits {
  const atoms: { [family in Family]?: number } = {};
  for (const ip of addresses) atoms[ip.family] = space.atomOf(ip);
  const [only] = addresses;
  const isTunnel = only !== undefined && node.tunnelAddresses.some((ip) => equalIp(ip, only));
  return {
    labelSets: [],
    nodeSelectors: [...nodeSelectors].flatMap(([key, selector]) => (matchesLabels(selector, node.labels) ? [key] : [])),
    atoms,
    namedPorts: [],
    services: [],
    ...(guarded ? { node: node.name } : {}),
    ...(isTunnel ? { failsafeNets: netsOf(only, failsafeNets) } : {}),
    domains: [],
  };
}

function familiesOf(addresses: readonly Ip[], space: AddressSpace): readonly Family[] {
  if (addresses.length === 0) return space.families;
  return FAMILIES.filter((family) => addresses.some((ip) => ip.family === family));
}

/** Nodes that are not in the state, but have pods on their own network. */
function unknownNodes({ state }: Catalogue): NodeEndpoint[] {
  const found = new Map<string, NodeEndpoint>();
  for (const pod of state.pods.values()) {
    if (!pod.hostNetwork || pod.completed || (pod.node !== undefined && state.nodes.has(pod.node))) continue;
    const name = pod.node ?? '';
    const key = unknownNodeKey(name, pod.addresses);
    if (found.has(key)) continue;
    found.set(key, { kind: 'node', key, name, labels: {}, addresses: pod.addresses, tunnelAddresses: [] });
  }
  return [...found.values()];
}

/** Identity of a node that is known by the addresses of a hostNetwork pod only. */
export function unknownNodeKey(name: string, addresses: readonly Ip[]): string {
  return `${name} ${addresses.map(formatIp).join()}`;
}
