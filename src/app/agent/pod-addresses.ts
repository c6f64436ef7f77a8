import { messageOf } from '../../base/errors.ts';
import { formatIp } from '../../base/ip/index.ts';
import type { Family, Ip } from '../../base/ip/index.ts';
import { CNI_ERROR, CniError } from '../../core/cni/index.ts';
import { podAddressing } from '../../core/ipam/index.ts';
import type { Allocator, PodAddressing } from '../../core/ipam/index.ts';
import type { PodFacts } from './pod-directory.ts';
import type { PodName } from './pod-name.ts';

/** A pod interface that wants addresses. */
export interface AddressDemand {
  /** Handle of the attachment. */
  readonly id: string;
  readonly ifname: string;
  /** The network configuration as it came. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly pod: PodName;
  readonly facts: PodFacts;
}

export interface PodAddressesDependencies {
  readonly allocator: Pick<Allocator, 'allocate'>;
  /** In which pods of the cluster get addresses, IPv4 first. */
  readonly families: readonly Family[];
  /** Whether a pod of this node has the address. */
  readonly isHeld: (ip: Ip) => boolean;
}

/**
 * Takes the addresses that a pod, its namespace and the network configuration ask for. Throws a {@link CniError} that says
 * what is wrong and where; nothing is held then.
 */
export async function podAddresses(
  demand: AddressDemand,
  { allocator, families, isHeld }: PodAddressesDependencies,
): Promise<{ readonly addresses: readonly Ip[]; readonly mac: string | undefined }> {
  const { pod, id, ifname, facts } = demand;
  const title = `pod ${pod.namespace}/${pod.name}`;
  const { unmanaged, mac, ...asked } = addressingOf(demand, families, title);
  if (asked.families.length === 0)
    throw new CniError(CNI_ERROR.tryAgainLater, 'there is no enabled address pool: create an IPPool');
  if (unmanaged) return { addresses: freeOnNode(asked.addresses ?? [], families, isHeld, title), mac };
  const attributes = {
    namespace: pod.namespace,
    pod: pod.name,
    ...(pod.uid === undefined ? {} : { uid: pod.uid }),
    ifname,
  };
  try {
    const namespaceLabels = facts.namespace.labels;
    const { addresses } = await allocator.allocate({ handle: id, attributes, namespaceLabels, ...asked });
    return { addresses: addresses.map(({ ip }) => ip), mac };
  } catch (error) {
    throw new CniError(CNI_ERROR.tryAgainLater, `no address for ${title}: ${messageOf(error)}`, '', error);
  }
}

function addressingOf({ facts, config }: AddressDemand, families: readonly Family[], title: string): PodAddressing {
  try {
    const { pod, namespace } = facts;
    return podAddressing({ pod: pod.addressing, namespace: namespace.addressing, config, families });
  } catch (error) {
    throw new CniError(CNI_ERROR.invalidNetworkConfig, `${title}: ${messageOf(error)}`, '', error);
  }
}

/** Addresses that nobody manages: that no other node has them is the user's care. */
function freeOnNode(
  addresses: readonly Ip[],
  families: readonly Family[],
  isHeld: (ip: Ip) => boolean,
  title: string,
): readonly Ip[] {
  for (const ip of addresses) {
    const problem = isHeld(ip)
      ? 'another pod of this node has it'
      : families.includes(ip.family)
        ? undefined
        : `the cluster has no IPv${ip.family}`;
    if (problem !== undefined)
      throw new CniError(CNI_ERROR.tryAgainLater, `no address for ${title}: ${formatIp(ip)}: ${problem}`);
  }
  return addresses;
}
