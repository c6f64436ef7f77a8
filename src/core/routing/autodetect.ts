import { cidrContains, equalIp, formatIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';

/** How a node finds the address that its peers reach it at; Calico's methods by Calico's names. */
export type AddressMethod =
  | { readonly kind: 'first-found' }
  | { readonly kind: 'kubernetes-internal-ip' }
  | { readonly kind: 'can-reach'; readonly destination: Ip }
  /** `patterns` match whole names. */
  | { readonly kind: 'interface' | 'skip-interface'; readonly patterns: readonly string[] }
  | { readonly kind: 'cidr'; readonly cidrs: readonly Cidr[] }
  /** No question: this one. */
  | { readonly kind: 'address'; readonly address: Ip };

/** What a node knows of itself when it looks for its address. */
export interface AddressFacts {
  /** In the kernel's order; `kind` is rtnetlink's, `enslaved` that the link is a port of another. */
  readonly links: readonly {
    readonly name: string;
    readonly kind: string | undefined;
    readonly up: boolean;
    readonly enslaved: boolean;
  }[];
  /** Of global scope, with the link's name. */
  readonly addresses: readonly { readonly link: string; readonly address: Cidr }[];
  /** The Node object's InternalIPs. */
  readonly internalIps: readonly Ip[];
  /** Which way the kernel would send: the link, and the source that it would take. */
  readonly routeTo: (destination: Ip) => { readonly link?: string; readonly source?: Ip } | undefined;
}

/** Kinds of link that carry others' packets or nobody's: bridges, tunnels, devices of user space. */
const UNFIT_KINDS: ReadonlySet<string> = new Set(
  'bridge vxlan ipip sit gre gretap erspan ip6gre ip6gretap ip6tnl vti vti6 geneve wireguard tun dummy ifb openvswitch'.split(
    ' ',
  ),
);
/** Names of devices of pods, of container engines and of pod networks, ours among them. */
const UNFIT_NAMES =
  /^(lo|slc.*|cali.*|veth.*|lxc.*|docker.*|podman.*|cbr.*|cni.*|br-.*|virbr.*|flannel.*|tunl\d.*|kube-ipvs.*|kube-bridge|nodelocaldns|.*\.sluice|.*\.calico|wireguard\.cali|wg-v6\.cali)$/;

/** Reads a method as Calico writes it (`can-reach=192.0.2.1`); a string says what is wrong with it. */
export function parseAddressMethod(text: string): AddressMethod | string {
  const [name = ''] = text.split('=', 1);
  const value = text.slice(name.length + 1);
  const list = text.includes('=') ? value.split(',').map((part) => part.trim()) : [];
  switch (name) {
    case 'first-found':
    case 'kubernetes-internal-ip':
      return text === name ? { kind: name } : `${name} takes no value`;
    case 'can-reach': {
      const destination = parseIp(value);
      return destination === undefined ? `can-reach needs an IP address, not '${value}'` : { kind: name, destination };
    }
    case 'interface':
    case 'skip-interface': {
      const wrong = list.length === 0 ? '' : list.find((pattern) => pattern === '' || !isPattern(pattern));
      return wrong === undefined
        ? { kind: name, patterns: list }
        : `${name} needs regular expressions for names of interfaces, separated by commas, not '${wrong}'`;
    }
    case 'cidr': {
      const cidrs = list.map(parseCidr);
      const wrong = cidrs.length === 0 ? 0 : cidrs.indexOf(undefined);
      return wrong < 0
        ? { kind: name, cidrs: cidrs.filter((cidr) => cidr !== undefined) }
        : `cidr needs CIDRs, separated by commas, not '${list[wrong] ?? ''}'`;
    }
    default:
      return `'${name}' is none of first-found, kubernetes-internal-ip, can-reach=, interface=, skip-interface=, cidr=`;
  }
}

/**
 * The node's address of `family` with its prefix length; a string says why there is none. Neither a bridge nor a tunnel
 * is ever found: only who names such a device exactly, or lets the kubelet or a configured address decide, gets it.
 */
export function detectAddress(method: AddressMethod, family: Family, facts: AddressFacts): Cidr | string {
  const all = facts.addresses.filter(({ address }) => address.ip.family === family);
  const fit = all.filter(({ link }) => isFit(link, facts));
  switch (method.kind) {
    case 'first-found':
      return fit[0]?.address ?? `no interface has an IPv${family} address that nodes could use`;
    case 'skip-interface': {
      const left = fit.find(({ link }) => !matches(link, method.patterns));
      return (
        left?.address ?? `no interface is left with an IPv${family} address: ${method.patterns.join(',')} skips all`
      );
    }
    case 'interface':
      return byInterface(method.patterns, all, fit) ?? notFound('interface', method.patterns.join(','), family);
    case 'cidr': {
      const inside = fit.find(({ address }) => method.cidrs.some((cidr) => cidrContains(cidr, address.ip)));
      return inside?.address ?? `no interface has an IPv${family} address in the CIDRs that are asked for`;
    }
    case 'can-reach':
      return towards(method.destination, family, fit, facts);
    case 'kubernetes-internal-ip': {
      const internal = facts.internalIps.find((ip) => ip.family === family);
      if (internal === undefined) return `the Node object has no IPv${family} InternalIP`;
      return having(internal, all) ?? `no interface has the InternalIP ${formatIp(internal)}`;
    }
    case 'address':
      return having(method.address, all) ?? `no interface has the address ${formatIp(method.address)}`;
  }
}

type Addresses = AddressFacts['addresses'];

/** Patterns in their order; a device that is named exactly may be of any kind. */
function byInterface(patterns: readonly string[], all: Addresses, fit: Addresses): Cidr | undefined {
  for (const pattern of patterns) {
    const found = all.find(({ link }) => link === pattern) ?? fit.find(({ link }) => matches(link, [pattern]));
    if (found !== undefined) return found.address;
  }
  return undefined;
}

function towards(destination: Ip, family: Family, fit: Addresses, facts: AddressFacts): Cidr | string {
  const text = formatIp(destination);
  if (destination.family !== family) return `can-reach=${text} is no IPv${family} address`;
  const route = facts.routeTo(destination);
  if (route?.link === undefined) return `there is no route to ${text}`;
  const there = fit.filter(({ link }) => link === route.link);
  const { source } = route;
  const found = there.find(({ address }) => source !== undefined && equalIp(address.ip, source)) ?? there[0];
  return found?.address ?? `the way to ${text} is by ${route.link}, which has no address that nodes could use`;
}

function having(ip: Ip, addresses: Addresses): Cidr | undefined {
  return addresses.find(({ address }) => equalIp(address.ip, ip))?.address;
}

function notFound(what: string, value: string, family: Family): string {
  return `no ${what} ${value} has an IPv${family} address that nodes could use`;
}

function isFit(name: string, { links }: AddressFacts): boolean {
  const link = links.find((each) => each.name === name);
  if (link === undefined || !link.up || link.enslaved || UNFIT_NAMES.test(name)) return false;
  return link.kind === undefined || !UNFIT_KINDS.has(link.kind);
}

function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => new RegExp(`^(?:${pattern})$`).test(name));
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
