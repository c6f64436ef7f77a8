import { sha1 } from '../../base/sha1.ts';

/**
 * The hardware address of a node's tunnel device, made from the node's name so that peers know it without being told:
 * `66` (locally administered, unicast) and the first five bytes of the name's SHA-1. Calico derives its own so
 * (felix/calc/vxlan_resolver.go), so nodes of either kind send to each other while a cluster is being migrated.
 */
export function vtepMac(node: string): string {
  return `66:${sha1(node).slice(0, 10).match(/../g)!.join(':')}`;
}
