import { equalIp, hostCidr, parseCidr } from '../../base/ip/index.ts';
import type { Cidr, Family, Ip } from '../../base/ip/index.ts';
import type { Labels } from '../kube/labels.ts';
import { present } from './field-values.ts';
import type { BgpNode } from './types.ts';
import { asNumber, isClusterId } from '../kube/bgp-values.ts';

/** What of a Node BGP is interested in. */
export interface NodeFacts {
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  /** Its own addresses, of each family the most important one first. */
  readonly addresses: readonly Ip[];
}

/** A node as BGP sees it, by Calico's annotations; what of them cannot be read counts as absent. */
export function bgpNode({ name, labels, annotations, addresses }: NodeFacts): BgpNode {
  const clusterId = annotations['projectcalico.org/RouteReflectorClusterID'] ?? '';
  return present<BgpNode>({
    name,
    labels,
    addresses: ([4, 6] as const).flatMap((family) => addressOf(family, annotations, addresses) ?? []),
    asNumber: asNumber(annotations['projectcalico.org/ASNumber']),
    clusterId: isClusterId(clusterId) ? clusterId : undefined,
  });
}

/** The annotation tells how long the prefix of the node's network is; an address without one has no network. */
function addressOf(
  family: Family,
  annotations: Readonly<Record<string, string>>,
  addresses: readonly Ip[],
): Cidr | undefined {
  const own = addresses.find((ip) => ip.family === family);
  const published = parseCidr(annotations[`projectcalico.org/IPv${family}Address`] ?? '');
  if (published?.ip.family === family && (own === undefined || equalIp(own, published.ip))) return published;
  return own === undefined ? undefined : hostCidr(own);
}
