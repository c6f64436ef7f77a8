/** Numbers of linux/netfilter/nf_tables.h, by the names they have there. */

/** nfnetlink subsystem (linux/netfilter/nfnetlink.h). */
export const SUBSYSTEM = 10;
export const NFNL_MSG_BATCH_BEGIN = 16;
export const NFNL_MSG_BATCH_END = 17;

/** Address family of a table that sees IPv4 and IPv6 (linux/netfilter.h). */
export const NFPROTO_INET = 1;
/** Of a table that sees what bridges pass from port to port. */
export const NFPROTO_BRIDGE = 7;

/** Of a table that sees what devices send. */
export const NFPROTO_NETDEV = 5;

/** Message types within the subsystem. */
export const NFT_MSG = {
  NEWTABLE: 0,
  GETTABLE: 1,
  DELTABLE: 2,
  NEWCHAIN: 3,
  GETCHAIN: 4,
  DELCHAIN: 5,
  NEWRULE: 6,
  GETRULE: 7,
  DELRULE: 8,
  NEWSET: 9,
  GETSET: 10,
  DELSET: 11,
  NEWSETELEM: 12,
  GETSETELEM: 13,
  DELSETELEM: 14,
} as const;

/** The whole message type: subsystem in the high byte. */
export function messageType(message: number): number {
  return (SUBSYSTEM << 8) | message;
}

export const NFTA_TABLE_NAME = 1;

export const NFTA_CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7 } as const;
export const NFTA_HOOK = { HOOKNUM: 1, PRIORITY: 2, DEV: 3 } as const;
export const NF_ACCEPT = 1;
/** linux/netfilter.h enum nf_inet_hooks. */
export const HOOKS = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
/** linux/netfilter.h enum nf_dev_hooks. */
export const DEVICE_HOOKS = { egress: 1 } as const;

export const NFTA_RULE = { TABLE: 1, CHAIN: 2, EXPRESSIONS: 4, USERDATA: 7 } as const;
export const NFTA_LIST_ELEM = 1;
export const NFTA_EXPR = { NAME: 1, DATA: 2 } as const;

export const NFTA_SET = {
  TABLE: 1,
  NAME: 2,
  FLAGS: 3,
  KEY_TYPE: 4,
  KEY_LEN: 5,
  DATA_TYPE: 6,
  DATA_LEN: 7,
  DESC: 9,
  ID: 10,
  USERDATA: 13,
} as const;
export const NFTA_SET_DESC = { SIZE: 1, CONCAT: 2 } as const;
export const NFTA_SET_FIELD_LEN = 1;
export const SET_FLAG = { ANONYMOUS: 1, INTERVAL: 4, MAP: 8, TIMEOUT: 0x10, EVAL: 0x20, CONCAT: 0x80 } as const;
/** Data type of a verdict map. */
export const NFT_DATA_VERDICT = 0xffffff00;

export const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
export const NFTA_SET_ELEM = { KEY: 1, DATA: 2, FLAGS: 3, KEY_END: 10 } as const;
export const NFT_SET_ELEM_INTERVAL_END = 1;

export const NFTA_DATA = { VALUE: 1, VERDICT: 2 } as const;
export const NFTA_VERDICT = { CODE: 1, CHAIN: 2 } as const;
/** NF_DROP, NF_ACCEPT (linux/netfilter.h) and NFT_* verdicts, as 32-bit two's complement. */
export const VERDICT = { drop: 0, accept: 1, jump: 0xfffffffd, goto: 0xfffffffc, return: 0xfffffffb } as const;

/** The verdict register, and the first of sixteen 4-byte registers. */
export const NFT_REG_VERDICT = 0;
export const NFT_REG32_00 = 8;

export const NFTA_META = { DREG: 1, KEY: 2, SREG: 3 } as const;
export const NFT_META = { PROTOCOL: 1, MARK: 3, IIFNAME: 6, OIFNAME: 7, NFPROTO: 15, L4PROTO: 16 } as const;
export const NFTA_CT = { DREG: 1, KEY: 2, SREG: 4 } as const;
export const NFT_CT = { STATE: 0, DIRECTION: 1, STATUS: 2, MARK: 3 } as const;
export const NFTA_PAYLOAD = { DREG: 1, BASE: 2, OFFSET: 3, LEN: 4 } as const;
export const NFT_PAYLOAD = { LL_HEADER: 0, NETWORK_HEADER: 1, TRANSPORT_HEADER: 2 } as const;
export const NFTA_FIB = { DREG: 1, RESULT: 2, FLAGS: 3 } as const;
export const NFT_FIB_RESULT_ADDRTYPE = 3;
export const NFTA_FIB_F = { SADDR: 1, DADDR: 2 } as const;
export const NFTA_CMP = { SREG: 1, OP: 2, DATA: 3 } as const;
export const NFT_CMP = { EQ: 0, NEQ: 1 } as const;
export const NFTA_RANGE = { SREG: 1, OP: 2, FROM_DATA: 3, TO_DATA: 4 } as const;
export const NFTA_BITWISE = { SREG: 1, DREG: 2, LEN: 3, MASK: 4, XOR: 5 } as const;
export const NFTA_LOOKUP = { SET: 1, SREG: 2, DREG: 3, FLAGS: 5 } as const;
export const NFT_LOOKUP_F_INV = 1;
export const NFTA_IMMEDIATE = { DREG: 1, DATA: 2 } as const;
export const NFTA_NAT = { TYPE: 1, FAMILY: 2, REG_ADDR_MIN: 3, REG_PROTO_MIN: 5 } as const;
export const NFT_NAT = { SNAT: 0, DNAT: 1 } as const;
export const NFTA_REJECT = { TYPE: 1, ICMP_CODE: 2 } as const;
export const NFT_REJECT = { TCP_RST: 1, ICMPX_UNREACH: 2 } as const;
export const NFT_REJECT_ICMPX_PORT_UNREACH = 1;
export const NFTA_RT = { DREG: 1, KEY: 2 } as const;
export const NFT_RT = { NEXTHOP4: 1, NEXTHOP6: 2, TCPMSS: 3 } as const;
export const NFTA_BYTEORDER = { SREG: 1, DREG: 2, OP: 3, LEN: 4, SIZE: 5 } as const;
export const NFT_BYTEORDER_HTON = 1;
export const NFTA_EXTHDR = { TYPE: 2, OFFSET: 3, LEN: 4, OP: 6, SREG: 7 } as const;
export const NFT_EXTHDR_OP_TCPOPT = 1;
export const NFTA_NG = { DREG: 1, MODULUS: 2, TYPE: 3 } as const;
export const NFT_NG_RANDOM = 1;
export const NFTA_HASH = { SREG: 1, DREG: 2, LEN: 3, MODULUS: 4, SEED: 5 } as const;
/** `TIMEOUT` is in milliseconds. */
export const NFTA_DYNSET = { SET_NAME: 1, OP: 3, SREG_KEY: 4, SREG_DATA: 5, TIMEOUT: 6 } as const;
export const NFT_DYNSET_OP_UPDATE = 1;
export const NFTA_LIMIT = { RATE: 1, UNIT: 2, BURST: 3 } as const;
export const NFTA_LOG = { GROUP: 1, PREFIX: 2 } as const;
