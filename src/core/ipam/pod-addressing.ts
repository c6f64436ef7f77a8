import { SluiceError } from '../../base/errors.ts';
import { formatIp, parseIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';

/** Annotations of pods and namespaces that say which addresses a pod gets begin with this (Calico's names). */
export const ADDRESSING_PREFIX = 'cni.projectcalico.org/';

/** Where it is written which addresses a pod gets. */
export interface AddressingSources {
  readonly pod: Readonly<Record<string, string>>;
  readonly namespace: Readonly<Record<string, string>>;
  /** The CNI network configuration: `ipam` with Calico's keys, and `feature_control`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Families in which pods of the cluster get addresses, IPv4 first. */
  readonly families: readonly Family[];
}

/** What a pod asks of address management. */
export interface PodAddressing {
  readonly families: readonly Family[];
  readonly pools?: Readonly<Partial<Record<Family, readonly string[]>>>;
  /** These very addresses: from the pools (`ipAddrs`), or beside all address management (`ipAddrsNoIpam`). */
  readonly addresses?: readonly Ip[];
  readonly unmanaged: boolean;
  /** Hardware address of the pod's interface. */
  readonly mac?: string;
}

/**
 * Reads what Calico's annotations say of a pod's addresses. The pod's own come before its namespace's, and those before the
 * network configuration; single addresses come from the pod alone. Throws a SluiceError (`bad-annotation`) naming the place.
 */
export function podAddressing(sources: AddressingSources): PodAddressing {
  const { pod, config } = sources;
  const has = (name: string): boolean => (pod[ADDRESSING_PREFIX + name] ?? '') !== '';
  if (has('floatingIPs'))
    throw bad(`pod annotation ${ADDRESSING_PREFIX}floatingIPs`, 'floating addresses are not supported');
  if (has('ipAddrs') && has('ipAddrsNoIpam'))
    throw bad(`pod annotations ${ADDRESSING_PREFIX}ipAddrs and ipAddrsNoIpam`, 'only one of them can be used');
  const mac = has('hwAddr') ? macOf(pod[`${ADDRESSING_PREFIX}hwAddr`]!) : undefined;
  const asked = mac === undefined ? {} : { mac };
  if (has('ipAddrsNoIpam')) {
    if (record(config['feature_control'])['ip_addrs_no_ipam'] !== true)
      throw bad(
        `pod annotation ${ADDRESSING_PREFIX}ipAddrsNoIpam`,
        'the feature is not enabled; feature_control.ip_addrs_no_ipam of the CNI network configuration must be true',
      );
    return { ...asked, ...exactAddresses(pod, 'ipAddrsNoIpam'), unmanaged: true };
  }
  if (has('ipAddrs')) return { ...asked, ...exactAddresses(pod, 'ipAddrs'), unmanaged: false };
  const families = withAsked(familiesOf(sources), sources);
  const pools = Object.fromEntries(
    families.flatMap((family) => {
      const named = poolsOf(family, sources);
      return named === undefined || named.length === 0 ? [] : [[family, named]];
    }),
  ) as NonNullable<PodAddressing['pools']>;
  return { ...asked, families, ...(Object.keys(pools).length === 0 ? {} : { pools }), unmanaged: false };
}

/** A list of texts, and where it was found; undefined where nothing is said. */
function listOf(name: string, { pod, namespace }: AddressingSources): { place: string; list: string[] } | undefined {
  const key = ADDRESSING_PREFIX + name;
  for (const [place, annotations] of [
    [`pod annotation ${key}`, pod],
    [`namespace annotation ${key}`, namespace],
  ] as const) {
    const text = annotations[key] ?? '';
    if (text !== '') return { place, list: parseList(place, text) };
  }
  return undefined;
}

function poolsOf(family: Family, sources: AddressingSources): readonly string[] | undefined {
  const annotated = listOf(`ipv${family}pools`, sources);
  if (annotated !== undefined) return annotated.list;
  const configured = record(sources.config['ipam'])[`ipv${family}_pools`];
  if (configured === undefined || configured === null) return undefined;
  if (isTexts(configured)) return configured;
  throw bad(`ipam.ipv${family}_pools of the CNI network configuration`, 'must be a list of names or CIDRs of IPPools');
}

/** A family in which pods usually get no address, because its pools wait to be asked for, and are. */
function withAsked(families: readonly Family[], sources: AddressingSources): readonly Family[] {
  if (listOf('ipFamilies', sources) !== undefined) return families;
  return ([4, 6] as const).filter(
    (family) => families.includes(family) || (listOf(`ipv${family}pools`, sources)?.list.length ?? 0) > 0,
  );
}

/** `ipFamilies` of pod or namespace, else `assign_ipv4` and `assign_ipv6` of the configuration, else all that there are. */
function familiesOf(sources: AddressingSources): readonly Family[] {
  const annotated = listOf('ipFamilies', sources);
  if (annotated === undefined) return configuredFamilies(sources);
  const { place, list } = annotated;
  for (const each of list)
    if (each !== 'IPv4' && each !== 'IPv6') throw bad(place, `"${each}" is neither "IPv4" nor "IPv6"`);
  const wanted = ([4, 6] as const).filter((family) => list.includes(`IPv${family}`));
  if (wanted.length === 0) throw bad(place, 'must name at least one of "IPv4" and "IPv6"');
  return wanted;
}

function configuredFamilies({ config, families }: AddressingSources): readonly Family[] {
  const ipam = record(config['ipam']);
  const wanted = families.filter(
    (family) => !['false', false].includes((ipam[`assign_ipv${family}`] ?? true) as string | boolean),
  );
  if (wanted.length === 0 && families.length > 0)
    throw bad('ipam.assign_ipv4 and assign_ipv6 of the CNI network configuration', 'leave no family for pods');
  return wanted;
}

/** One address of each family at most; the pod gets these and no others. */
function exactAddresses(
  pod: Readonly<Record<string, string>>,
  name: string,
): { readonly addresses: readonly Ip[]; readonly families: readonly Family[] } {
  const place = `pod annotation ${ADDRESSING_PREFIX}${name}`;
  const addresses = parseList(place, pod[ADDRESSING_PREFIX + name]!).map((text) => {
    const ip = parseIp(text);
    if (ip === undefined) throw bad(place, `"${text}" is not an address`);
    return ip;
  });
  if (addresses.length === 0) throw bad(place, 'names no address');
  for (const family of [4, 6] as const) {
    const same = addresses.filter((ip) => ip.family === family);
    if (same.length > 1)
      throw bad(place, `a pod can have one IPv${family} address, not ${same.map(formatIp).join(' and ')}`);
  }
  addresses.sort((a, b) => a.family - b.family);
  return { addresses, families: addresses.map(({ family }) => family) };
}

function macOf(text: string): string {
  const place = `pod annotation ${ADDRESSING_PREFIX}hwAddr`;
  const mac = text.toLowerCase().replaceAll('-', ':');
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac))
    throw bad(place, `"${text}" is not a hardware address like 1c:0c:0a:c0:ff:ee`);
  if (mac === '00:00:00:00:00:00' || Number.parseInt(mac.slice(0, 2), 16) % 2 === 1)
    throw bad(place, `"${text}" cannot be the address of one interface`);
  return mac;
}

function parseList(place: string, text: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Told below, with an example.
  }
  if (isTexts(value)) return value;
  throw bad(place, `'${text}' is not a JSON list of texts, like '["a", "b"]'`);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function bad(place: string, problem: string): SluiceError<'bad-annotation'> {
  return new SluiceError('bad-annotation', `${place}: ${problem}`, { place });
}
