/** Underlay addresses of the lab. They are fixed: nothing of them is visible outside the universe. */
export const UNDERLAY = {
  segments: {
    a: { bridge: 'seg-a', ipv4: '172.30.1', ipv6: 'fd00:30:1::' },
    b: { bridge: 'seg-b', ipv4: '172.30.2', ipv6: 'fd00:30:2::' },
  },
  /** Where nodes find the API server; the router passes it on to the supervisor's socket. */
  api: { ipv4: '172.30.0.1', ipv6: 'fd00:30::1', port: 6443 },
  outside: {
    router: { ipv4: '203.0.113.1', ipv6: '2001:db8:113::1' },
    host: { ipv4: '203.0.113.10', ipv6: '2001:db8:113::10' },
  },
  /** Every range above, for telling overlaps. */
  ranges: ['172.30.0.0/16', '203.0.113.0/24', 'fd00:30::/32', '2001:db8:113::/64'],
} as const;

/** One of the two segments of the underlay, which the router joins. */
export type Segment = 'a' | 'b';

/** One node's place in the underlay. */
export interface NodePlace {
  readonly name: string;
  readonly segment: Segment;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly gateway: { readonly ipv4: string; readonly ipv6: string };
}

/** Most nodes that the address plan has room for. */
export const MAX_NODES = 200;

/** How the nodes are spread over the segments: the last third on b, or all on a, where plain routes reach everybody. */
export type Spread = 'two-segments' | 'one-segment';

/** The places of `count` nodes, named `<prefix>node-1` and so on. */
export function nodePlaces(count: number, prefix = '', spread: Spread = 'two-segments'): readonly NodePlace[] {
  const onB = spread === 'one-segment' ? 0 : Math.floor(count / 3);
  return Array.from({ length: count }, (_, index) => {
    const segment: Segment = index < count - onB ? 'a' : 'b';
    const position = segment === 'a' ? index : index - (count - onB);
    const { ipv4, ipv6 } = UNDERLAY.segments[segment];
    return {
      name: `${prefix}node-${index + 1}`,
      segment,
      ipv4: `${ipv4}.${11 + position}`,
      // Decimal digits on purpose, so that the last groups of both families read alike.
      ipv6: `${ipv6}${11 + position}`,
      gateway: { ipv4: `${ipv4}.1`, ipv6: `${ipv6}1` },
    };
  });
}
