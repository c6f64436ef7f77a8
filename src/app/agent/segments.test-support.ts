/** A link of nodes, behind the router. */
export type Segment = 'a' | 'b';

/** Both of them, each with what it has of IPv4 and of IPv6. */
export const SEGMENTS = { a: [ipv4(1), ipv6(1)], b: [ipv4(2), ipv6(2)] } as const;

/** Addresses of a segment: the router's, and a node's by its number. */
function ipv4(segment: number) {
  const of = (number: number) => `172.30.${segment}.${number}`;
  return { family: 4, any: '0.0.0.0/0', router: of(1), prefix: 24, of } as const;
}

function ipv6(segment: number) {
  const of = (number: number) => `fd00:30:${segment}::${number}`;
  return { family: 6, any: '::/0', router: of(1), prefix: 64, of } as const;
}
