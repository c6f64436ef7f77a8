import { formatIp, parseIp } from '../../base/ip/index.ts';
import type { Cidr, Family } from '../../base/ip/index.ts';
import { parseBackendData, renderBackendData } from './backend-data.ts';
import { FAMILIES } from './lease.ts';
import type { FamilyLease, FlannelLease, LeaseReading } from './lease.ts';

/** What flannel's annotations begin with, unless it was started with another prefix. */
export const FLANNEL_PREFIX = 'flannel.alpha.coreos.com/';

/** `true` on each Node that is part of the network. */
const MANAGED = `${FLANNEL_PREFIX}kube-subnet-manager`;
const BACKEND_TYPE = `${FLANNEL_PREFIX}backend-type`;

const NAMES: Readonly<Record<Family, Readonly<Record<'data' | 'publicIp' | 'overwrite', string>>>> = {
  4: {
    data: `${FLANNEL_PREFIX}backend-data`,
    publicIp: `${FLANNEL_PREFIX}public-ip`,
    overwrite: `${FLANNEL_PREFIX}public-ip-overwrite`,
  },
  6: {
    data: `${FLANNEL_PREFIX}backend-v6-data`,
    publicIp: `${FLANNEL_PREFIX}public-ipv6`,
    overwrite: `${FLANNEL_PREFIX}public-ipv6-overwrite`,
  },
};

type Annotations = Readonly<Record<string, string>>;

const ABSENT: LeaseReading = { lease: undefined, problems: [] };

/**
 * The lease that a Node of a flannel network says to have, in each family in which it has a podCIDR and says where it is.
 * No lease and no problem: the Node is not part of such a network.
 */
export function readNodeLease(annotations: Annotations, podCidrs: readonly Cidr[]): LeaseReading {
  if (annotations[MANAGED] !== 'true') return ABSENT;
  const backendType = annotations[BACKEND_TYPE] ?? '';
  const problems: string[] = [];
  const families: Partial<Record<Family, FamilyLease>> = {};
  for (const family of FAMILIES) {
    const said = annotations[NAMES[family].publicIp];
    const subnet = podCidrs.find(({ ip }) => ip.family === family);
    // flannel leaves a family out that it does not serve.
    if (said === undefined) continue;
    const read = readFamily(annotations, family, backendType, subnet);
    if (typeof read === 'string') problems.push(read);
    else families[family] = read;
  }
  if (Object.keys(families).length > 0) return { lease: { backendType, families }, problems };
  if (problems.length === 0) problems.push(`it has no annotation ${NAMES[4].publicIp}`);
  return { lease: undefined, problems };
}

function readFamily(
  annotations: Annotations,
  family: Family,
  backendType: string,
  subnet: Cidr | undefined,
): FamilyLease | string {
  const { publicIp: name, data } = NAMES[family];
  const publicIp = parseIp(annotations[name] ?? '');
  if (publicIp?.family !== family) return `its annotation ${name} is '${annotations[name]}', no IPv${family} address`;
  if (subnet === undefined) return `it has no IPv${family} podCIDR`;
  const said = parseBackendData(backendType, annotations[data] ?? '');
  if (typeof said === 'string') return `its annotation ${data} is '${annotations[data] ?? ''}', without ${said}`;
  return { subnet, publicIp, ...said };
}

/**
 * What a node writes into its Node so that flannel nodes send it what is for its subnets. Where an administrator has
 * overwritten an address (`public-ip-overwrite`), that is the one that is written, as flannel has it.
 */
export function nodeAnnotations({ backendType, families }: FlannelLease, present: Annotations): Annotations {
  const result: Record<string, string> = { [MANAGED]: 'true', [BACKEND_TYPE]: backendType };
  for (const family of FAMILIES) {
    const lease = families[family];
    if (lease === undefined) continue;
    const { data, publicIp, overwrite } = NAMES[family];
    const overwritten = present[overwrite] ?? '';
    // Go writes an absent value as null; so do flannel's nodes of other backends.
    result[data] = renderBackendData(lease) ?? 'null';
    result[publicIp] = overwritten === '' ? formatIp(lease.publicIp) : overwritten;
  }
  return result;
}
