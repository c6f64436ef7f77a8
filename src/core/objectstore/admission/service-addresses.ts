import type { Service, ServiceSpec } from 'kubernetes-types/core/v1.d.ts';
import {
  cidrContains,
  cidrSize,
  formatIp,
  networkOf,
  parseCidr,
  parseIp,
  type Cidr,
  type Family,
} from '../../../base/ip/index.ts';
import { invalid, type FieldError } from '../../kube/field-error.ts';
import { ApiError } from '../api-error.ts';
import type { ApiContext } from '../api-context.ts';
import type { ApiObject } from '../api-object.ts';
import { bandOf, chooseFree } from './choose-free.ts';

type FamilyName = 'IPv4' | 'IPv6';

/** The families that a Service gets, from its policy and what the cluster has; sets both fields on `spec`. */
export function chosenFamilies(
  spec: ServiceSpec,
  serviceCidrs: readonly string[],
): { readonly families: readonly FamilyName[]; readonly errors: readonly FieldError[] } {
  const available = serviceCidrs.map((cidr) => nameOf(cidrOf(cidr).network.family));
  const given = (spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]))
    .map((address) => parseIp(address)?.family)
    .filter((family) => family !== undefined)
    .map(nameOf);
  const asked = (spec.ipFamilies ?? given) as FamilyName[];
  spec.ipFamilyPolicy ??= asked.length > 1 ? 'RequireDualStack' : 'SingleStack';
  const missing = asked.find((family) => !available.includes(family));
  if (missing !== undefined) {
    const at = `spec.ipFamilies[${asked.indexOf(missing)}]`;
    return { families: [], errors: [invalid(at, missing, 'not configured on this cluster')] };
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' && available.length < 2) {
    const detail = 'this cluster is not configured for dual-stack services';
    return { families: [], errors: [invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, detail)] };
  }
  const first = asked[0] ?? available[0]!;
  const families =
    spec.ipFamilyPolicy === 'SingleStack' ? [first] : [first, ...available.filter((each) => each !== first)];
  spec.ipFamilies = families;
  return { families, errors: [] };
}

/** Fills `clusterIP` and `clusterIPs`, keeping the addresses that the Service names or already has. */
export function allocateClusterIps(
  draft: ApiObject,
  spec: ServiceSpec,
  families: readonly FamilyName[],
  context: ApiContext,
): FieldError[] {
  if (spec.clusterIP === 'None') {
    spec.clusterIPs = ['None'];
    return [];
  }
  const named = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const taken = takenAddresses(draft, context);
  const errors: FieldError[] = [];
  const addresses: string[] = [];
  for (const [i, family] of families.entries()) {
    const cidr = context.settings.serviceCidrs.map(cidrOf).find(({ network }) => nameOf(network.family) === family)!;
    const wanted = named[i];
    if (wanted === undefined) addresses.push(freeAddress(cidr, taken, context));
    else {
      errors.push(...refusals(wanted, `spec.clusterIPs[${i}]`, cidr, taken));
      addresses.push(wanted);
    }
  }
  spec.clusterIP = addresses[0]!;
  spec.clusterIPs = addresses;
  return errors;
}

interface ServiceCidr {
  readonly text: string;
  readonly network: Cidr['ip'];
  readonly cidr: Cidr;
  readonly size: bigint;
}

function cidrOf(text: string): ServiceCidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new ApiError('InternalError', `service CIDR ${text} is not a CIDR`);
  return { text, cidr, network: networkOf(cidr).ip, size: cidrSize(cidr) };
}

function nameOf(family: Family): FamilyName {
  return family === 4 ? 'IPv4' : 'IPv6';
}

/** Address in canonical form → the Service that holds it. */
function takenAddresses(draft: ApiObject, context: ApiContext): Map<string, string> {
  const taken = new Map<string, string>();
  for (const { object, namespace, name } of context.store.list('/services')) {
    if (object.metadata.uid === draft.metadata.uid) continue;
    for (const address of (object as unknown as Service).spec?.clusterIPs ?? []) {
      taken.set(canonical(address), `${namespace}/${name}`);
    }
  }
  return taken;
}

function canonical(address: string): string {
  const ip = parseIp(address);
  return ip === undefined ? address : formatIp(ip);
}

function refusals(wanted: string, path: string, cidr: ServiceCidr, taken: ReadonlyMap<string, string>): FieldError[] {
  const ip = parseIp(wanted);
  if (ip === undefined) return [invalid(path, wanted, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
  if (!cidrContains(cidr.cidr, ip)) {
    const detail = `failed to allocate IP ${wanted}: the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${cidr.text}`;
    return [invalid(path, wanted, detail)];
  }
  const holder = taken.get(formatIp(ip));
  if (holder === undefined) return [];
  const detail = `failed to allocate IP ${wanted}: provided IP is already allocated to service ${holder}`;
  return [invalid(path, wanted, detail)];
}

/** How many addresses of a large (IPv6) range are used at most; keeps the random offset in safe integers. */
const LARGEST_RANGE = 1n << 20n;

/** A random free address, neither the network's own nor (IPv4) its broadcast address; the first is for `kubernetes`. */
function freeAddress(cidr: ServiceCidr, taken: Map<string, string>, context: ApiContext): string {
  const size = Number(cidr.size < LARGEST_RANGE ? cidr.size : LARGEST_RANGE);
  const last = cidr.network.family === 4 ? size - 2 : size - 1;
  const count = Math.max(last - 1, 0);
  const addressAt = (i: number): string => formatIp({ ...cidr.network, value: cidr.network.value + BigInt(2 + i) });
  const range = { count, reserved: bandOf(count, 16, 256) };
  const chosen = chooseFree(range, context.surroundings.random, (i) => !taken.has(addressAt(i)));
  if (chosen !== undefined) {
    taken.set(addressAt(chosen), '');
    return addressAt(chosen);
  }
  throw new ApiError(
    'InternalError',
    `Internal error occurred: failed to allocate a serviceIP: range is full (${cidr.text} has ${count} addresses for services)`,
  );
}
