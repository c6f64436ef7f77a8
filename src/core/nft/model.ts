/**
 * Everything Sluice owns in the kernel's packet filter: one table, which nobody else writes; and one of this name in family
 * `bridge` where another network has its pods on a bridge.
 */
export const TABLE = { family: 'inet', name: 'sluice' } as const;

/**
 * Types of one field of a set's key or data, with nft's names. `integer` is a 32-bit number in the host's byte order
 * that an expression made (numgen, jhash); all other types are in network byte order except `mark`.
 */
export type FieldType =
  'ipv4_addr' | 'ipv6_addr' | 'ether_addr' | 'ifname' | 'inet_proto' | 'inet_service' | 'mark' | 'integer';

/**
 * A set or map. Several key fields are a concatenation. `interval` keys are ranges (the kernel's rbtree for one field,
 * pipapo for concatenations). `data` makes it a map: of verdicts, or of values.
 */
export interface SetSpec {
  readonly name: string;
  readonly key: readonly FieldType[];
  readonly interval?: boolean;
  readonly data?: 'verdict' | readonly FieldType[];
  /** Expected number of elements, a hint for the hash table's size; the set grows past it unless it is `dynamic`. */
  readonly size?: number;
  /** Packets fill it, with elements that live for a time: they are nobody's to compare, and the rest of the ruleset has none. */
  readonly dynamic?: boolean;
}

/**
 * One element's key: the raw bytes of the kernel's key attribute in lower-case hex, each field padded with zeros to a
 * multiple of 4 bytes. In interval sets two such keys, `first-last`, both inclusive. Build with the functions of key.ts.
 */
export type ElementKey = string;

/** One element's data: '' in sets; hex like {@link ElementKey} in maps of values; {@link Verdict} text in verdict maps. */
export type ElementData = string;

/** A verdict in text, both in rules and in verdict maps: `goto CHAIN` and `jump CHAIN` carry the chain's name. */
export type Verdict = 'accept' | 'drop' | 'return' | `goto ${string}` | `jump ${string}`;

/** The elements of one set. */
export type Elements = ReadonlyMap<ElementKey, ElementData>;

/** Something that an expression loads into a register; the text is nft's own. */
export type Field =
  | 'meta iifname'
  | 'meta oifname'
  | 'meta nfproto'
  | 'meta l4proto'
  | 'meta mark'
  | 'ct state'
  | 'ct status'
  | 'ct mark'
  | 'ct direction'
  | 'ip saddr'
  | 'ip daddr'
  | 'ip6 saddr'
  | 'ip6 daddr'
  | 'th sport'
  | 'th dport'
  | 'tcp flags'
  | 'icmp type'
  | 'icmp code'
  | 'icmpv6 type'
  | 'icmpv6 code'
  | 'ether saddr'
  /** The next three in families `bridge` and `netdev` only: EtherType, sender of an ARP packet, address of a neighbour advertisement. */
  | 'meta protocol'
  | 'arp saddr ip'
  | 'nd target'
  | 'fib daddr type'
  | 'fib saddr type'
  /** Of a packet that is routed: where it goes next, its destination itself if that is on the link. */
  | 'rt ip nexthop'
  | 'rt ip6 nexthop';

/** A number below `mod`, random for each packet. */
interface NumgenOperand {
  readonly kind: 'numgen';
  readonly mod: number;
}

/** Hash of one field, below `mod`: the same for the same value. */
interface JhashOperand {
  readonly kind: 'jhash';
  readonly of: 'ip saddr' | 'ip6 saddr';
  readonly mod: number;
  readonly seed: number;
}

/** A part of a lookup key. */
export type Operand = Field | NumgenOperand | JhashOperand;

/**
 * One statement of a rule, evaluated left to right; a match that fails ends the rule. Nothing is implied: a rule that
 * reads `ip …` first matches `meta nfproto`, one that reads `tcp …` first matches `meta l4proto`.
 */
export type Statement =
  /** Interface name: exact, or a prefix when it ends in `*`. */
  | {
      readonly kind: 'interface';
      readonly field: 'meta iifname' | 'meta oifname';
      readonly op: '==' | '!=';
      readonly name: string;
    }
  /** Number compare; with `mask`, of `field & mask`. Byte order is the field's affair. */
  | {
      readonly kind: 'compare';
      readonly field: Field;
      readonly mask?: number;
      readonly op: '==' | '!=';
      readonly value: number;
    }
  /** Inclusive number range; with `negate`, what lies outside of it. */
  | {
      readonly kind: 'range';
      readonly field: 'th dport' | 'th sport' | 'icmpv6 type';
      readonly first: number;
      readonly last: number;
      readonly negate?: boolean;
    }
  /** Address compare; with `prefix`, of the first bits only. `address` is hex, 8 or 32 digits. */
  | {
      readonly kind: 'address';
      readonly field: 'ip saddr' | 'ip daddr' | 'ip6 saddr' | 'ip6 daddr';
      readonly op: '==' | '!=';
      readonly address: string;
      readonly prefix?: number;
    }
  /** Membership of the concatenation of `key` in a named set. */
  | { readonly kind: 'lookup'; readonly key: readonly Operand[]; readonly set: string; readonly negate?: boolean }
  /**
   * Verdict from a named map; no element, and the next rule goes on. With `through` a map stands in between, of two numbers of which the second is the key: the
   * kernel looks at every chain that a verdict map leads to whenever one of its elements changes, so that one stays small.
   */
  | { readonly kind: 'vmap'; readonly key: readonly Operand[]; readonly map: string; readonly through?: string }
  | { readonly kind: 'counter' }
  /** Holds so many times a second, and for `burst` packets more at once; further packets do not match. */
  | { readonly kind: 'limit'; readonly perSecond: number; readonly burst: number }
  /** A line in the kernel's log that begins with `prefix`: at most 126 printable characters without quotes. */
  | { readonly kind: 'log'; readonly prefix: string }
  /** Whoever listens to the group gets a copy of the packet, which goes on at once. */
  | { readonly kind: 'copy'; readonly group: number }
  /** The packet will belong to no connection; before connection tracking only. */
  | { readonly kind: 'notrack' }
  /** `mark = (mark & ~mask) | value`, of the packet or its connection. `value` lies within `mask`. */
  | {
      readonly kind: 'set-mark';
      readonly target: 'meta mark' | 'ct mark';
      readonly mask: number;
      readonly value: number;
    }
  /** `meta mark = ct mark & mask`: older kernels cannot keep the packet mark's other bits. */
  | { readonly kind: 'copy-mark'; readonly mask: number }
  /** The other way round: the connection's mark becomes `mask` of the packet's. */
  | { readonly kind: 'save-mark'; readonly mask: number }
  /** Destination address and port from a map of `address . inet_service`. No element: the rule ends without effect. */
  | { readonly kind: 'dnat-map'; readonly family: 4 | 6; readonly key: readonly Operand[]; readonly map: string }
  /**
   * Puts into the dynamic map, under `key` and for `seconds`, what `from` has under `choice`, without the number that it begins
   * with. Where the map has something
   * already, that stays and lives for as long anew. A map that is full, or no element in `from`: the rule ends.
   */
  | {
      readonly kind: 'remember';
      readonly map: string;
      readonly key: readonly Operand[];
      readonly seconds: number;
      readonly from: string;
      readonly choice: readonly Operand[];
      readonly family: 4 | 6;
    }
  /** Holds for one packet of so many, by chance. */
  | { readonly kind: 'chance'; readonly oneOf: number }
  /** `address` is hex. */
  | { readonly kind: 'snat'; readonly family: 4 | 6; readonly address: string }
  | { readonly kind: 'masquerade' }
  /** Lowers the segment size that a TCP handshake announces to what the routes of both directions carry. */
  | { readonly kind: 'clamp-mss' }
  /** ICMP port unreachable of the packet's family (icmpx); `tcp reset` for TCP where `with` says so. */
  | { readonly kind: 'reject'; readonly with: 'port-unreachable' | 'tcp-reset' }
  | { readonly kind: 'verdict'; readonly verdict: Verdict };

/** A rule: statements in order. Rules are never edited alone; their chain is rewritten. */
export type Rule = readonly Statement[];

/** What attaches a base chain to the packet path. `priority` is the kernel's number; lower runs earlier. */
export interface Hook {
  readonly type: 'filter' | 'nat' | 'route';
  /** `egress` in family `netdev` only: what leaves by the device, whoever made it. */
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'egress';
  readonly priority: number;
  /** Of `egress`. */
  readonly device?: string;
}

/** A chain with its rules; without `hook` it is reached by jumps only. Base chains accept what no rule decides. */
export interface Chain {
  readonly name: string;
  readonly hook?: Hook;
  readonly rules: readonly Rule[];
}

/** A set with its elements. */
export interface NamedSet {
  readonly spec: SetSpec;
  readonly elements: Elements;
}

/** The whole table. */
export interface Ruleset {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, NamedSet>;
}

/**
 * One step of a transaction. Steps are already in an order that the kernel accepts, and all of them go into one batch.
 * Deleting and adding one element key in a batch replaces its data.
 */
export type NftOp =
  /** Creates the table when it is missing. */
  | { readonly op: 'add-table' }
  /** Deletes the table with all in it; fine when it is missing. */
  | { readonly op: 'destroy-table' }
  | { readonly op: 'add-set'; readonly spec: SetSpec }
  | { readonly op: 'delete-set'; readonly name: string }
  | {
      readonly op: 'add-elements';
      readonly spec: SetSpec;
      readonly elements: readonly (readonly [ElementKey, ElementData])[];
    }
  /** With the data they had: the kernel wants only keys, but verdict maps count the references of their chains. */
  | {
      readonly op: 'delete-elements';
      readonly spec: SetSpec;
      readonly elements: readonly (readonly [ElementKey, ElementData])[];
    }
  /** Without its rules, which follow as `add-rule`. */
  | { readonly op: 'add-chain'; readonly name: string; readonly hook?: Hook }
  | { readonly op: 'flush-chain'; readonly name: string }
  /** Appends. */
  | { readonly op: 'add-rule'; readonly chain: string; readonly rule: Rule }
  | { readonly op: 'delete-chain'; readonly name: string };

/** One atomic change of the table: the kernel takes all of it or nothing. Empty when there is nothing to do. */
export type Transaction = readonly NftOp[];

/** Width in bytes and byte order of a field in the kernel's registers. */
export interface FieldLayout {
  readonly bytes: number;
  readonly order: 'network' | 'host' | 'string';
}

/** How each field sits in a register (linux/netfilter/nf_tables.h, net/netfilter/nft_*.c). */
export const FIELD_LAYOUT: Readonly<Record<Field, FieldLayout>> = {
  'meta iifname': { bytes: 16, order: 'string' },
  'meta oifname': { bytes: 16, order: 'string' },
  'meta nfproto': { bytes: 1, order: 'network' },
  'meta l4proto': { bytes: 1, order: 'network' },
  'meta mark': { bytes: 4, order: 'host' },
  'ct state': { bytes: 4, order: 'host' },
  'ct status': { bytes: 4, order: 'host' },
  'ct mark': { bytes: 4, order: 'host' },
  'ct direction': { bytes: 1, order: 'network' },
  'ip saddr': { bytes: 4, order: 'network' },
  'ip daddr': { bytes: 4, order: 'network' },
  'ip6 saddr': { bytes: 16, order: 'network' },
  'ip6 daddr': { bytes: 16, order: 'network' },
  'th sport': { bytes: 2, order: 'network' },
  'th dport': { bytes: 2, order: 'network' },
  'tcp flags': { bytes: 1, order: 'network' },
  'icmp type': { bytes: 1, order: 'network' },
  'icmp code': { bytes: 1, order: 'network' },
  'icmpv6 type': { bytes: 1, order: 'network' },
  'icmpv6 code': { bytes: 1, order: 'network' },
  'ether saddr': { bytes: 6, order: 'network' },
  'meta protocol': { bytes: 2, order: 'network' },
  'arp saddr ip': { bytes: 4, order: 'network' },
  'nd target': { bytes: 16, order: 'network' },
  'fib daddr type': { bytes: 4, order: 'host' },
  'fib saddr type': { bytes: 4, order: 'host' },
  'rt ip nexthop': { bytes: 4, order: 'network' },
  'rt ip6 nexthop': { bytes: 16, order: 'network' },
};

/** Bytes that a field of each type takes before padding to 4. */
export const TYPE_BYTES: Readonly<Record<FieldType, number>> = {
  ipv4_addr: 4,
  ipv6_addr: 16,
  ether_addr: 6,
  ifname: 16,
  inet_proto: 1,
  inet_service: 2,
  mark: 4,
  integer: 4,
};

/** `meta nfproto`: NFPROTO_IPV4 and NFPROTO_IPV6. */
export const NFPROTO = { 4: 2, 6: 10 } as const;

/** IANA protocol numbers. */
export const IPPROTO = { ICMP: 1, IPIP: 4, TCP: 6, UDP: 17, ICMPV6: 58, SCTP: 132 } as const;

/** `meta protocol`: EtherTypes. */
export const ETHERTYPE = { IP: 0x0800, ARP: 0x0806, IPV6: 0x86dd } as const;

/** Bits of `ct state`: NF_CT_STATE_BIT(IP_CT_…). */
export const CT_STATE = { INVALID: 1, ESTABLISHED: 2, RELATED: 4, NEW: 8, UNTRACKED: 64 } as const;

/** Bits of `tcp flags`. */
export const TCP_FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const;

/** Results of `fib … type`: RTN_UNICAST and RTN_LOCAL. */
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
