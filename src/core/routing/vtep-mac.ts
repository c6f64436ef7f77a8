/**
 * The hardware address of a node's tunnel device, made from the node's name so that peers know it without being told:
 * `66` (locally administered, unicast) and 40 bits of FNV-1a.
 */
export function vtepMac(node: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const char of node) hash = ((hash ^ BigInt(char.codePointAt(0)!)) * 0x100000001b3n) & 0xffffffffffffffffn;
  const folded = (hash ^ (hash >> 40n)) & 0xffffffffffn;
  const digits = folded.toString(16).padStart(10, '0');
  return `66:${digits.match(/../g)!.join(':')}`;
}
