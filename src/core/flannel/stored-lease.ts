import { formatIp, networkOf, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import { parseBackendData, renderBackendData } from './backend-data.ts';
import { fieldsOf, parseFields } from './json-fields.ts';
import type { JsonFields } from './json-fields.ts';
import { FAMILIES } from './lease.ts';
import type { FamilyLease, FlannelLease, LeaseReading } from './lease.ts';

/** Under which flannel keeps its state in etcd, unless it was started with another prefix. */
export const ETCD_PREFIX = '/coreos.com/network';

/** `10.244.1.0-24`, with both families `10.244.1.0-24&fd00:10:244:1::-64`. */
const KEY = /^([\d.]+)-(\d+)(?:&([\da-f:.]+)-(\d+))?$/i;

const NAMES: Readonly<Record<Family, Readonly<Record<'publicIp' | 'data', string>>>> = {
  4: { publicIp: 'PublicIP', data: 'BackendData' },
  6: { publicIp: 'PublicIPv6', data: 'BackendV6Data' },
};

/** The last part of the key below `subnets/` under which a lease of these subnets is kept, IPv4 first. */
export function leaseKey(subnets: readonly Cidr[]): string {
  return subnets.map(({ ip, prefix }) => `${formatIp(ip)}-${prefix}`).join('&');
}

/** The subnets that a key names, IPv4 first; undefined when it is none of flannel's. */
export function parseLeaseKey(key: string): readonly Cidr[] | undefined {
  const [, v4, length4, v6, length6] = KEY.exec(key) ?? [];
  if (v4 === undefined) return undefined;
  const [first, second] = [parseCidr(`${v4}/${length4}`), v6 === undefined ? undefined : parseCidr(`${v6}/${length6}`)];
  if (first?.ip.family !== 4 || (v6 !== undefined && second?.ip.family !== 6)) return undefined;
  return [first, ...(second === undefined ? [] : [second])].map(networkOf);
}

/** Reads one entry below `subnets/`. */
export function parseStoredLease(key: string, value: string): LeaseReading {
  const subnets = parseLeaseKey(key);
  if (subnets === undefined) return bad(`'${key}' names no subnet`);
  const fields = parseFields(value);
  if (fields === undefined) return bad('it is not a JSON object');
  const backendType = fields.get('backendtype') ?? '';
  if (typeof backendType !== 'string') return bad('its BackendType is not a text');
  const problems: string[] = [];
  const families: Partial<Record<Family, FamilyLease>> = {};
  for (const subnet of subnets) {
    const read = readFamily(fields, subnet, backendType);
    if (typeof read === 'string') problems.push(read);
    else families[subnet.ip.family] = read;
  }
  return { lease: Object.keys(families).length === 0 ? undefined : { backendType, families }, problems };
}

function readFamily(fields: JsonFields, subnet: Cidr, backendType: string): FamilyLease | string {
  const { family } = subnet.ip;
  const { publicIp: name, data } = NAMES[family];
  const said = fields.get(name.toLowerCase());
  const publicIp = typeof said === 'string' ? parseIp(said) : undefined;
  if (publicIp?.family !== family) return `it has no ${name}`;
  const text = JSON.stringify(Object.fromEntries(fieldsOf(fields.get(data.toLowerCase())) ?? []));
  const device = parseBackendData(backendType, text);
  return typeof device === 'string' ? `it has no ${data} with ${device}` : { subnet, publicIp, ...device };
}

/** The value that flannel keeps of a lease, its fields in flannel's order. */
export function renderStoredLease({ backendType, families }: FlannelLease): string {
  const [v4, v6] = FAMILIES.map((family) => families[family]);
  const data = (lease: FamilyLease | undefined): unknown => {
    const text = lease && renderBackendData(lease);
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  };
  return JSON.stringify({
    PublicIP: v4 === undefined ? '0.0.0.0' : formatIp(v4.publicIp),
    PublicIPv6: v6 === undefined ? null : formatIp(v6.publicIp),
    BackendType: backendType,
    BackendData: data(v4),
    BackendV6Data: data(v6),
  });
}

function bad(problem: string): LeaseReading {
  return { lease: undefined, problems: [problem] };
}
