import { hostKey, ifnameKey, portKey, protoKey } from './key.ts';
import { CT_STATE, IPPROTO, NFPROTO, RTN_LOCAL, TYPE_BYTES } from './model.ts';
import type { ElementKey, Field, FieldType, Hook, NamedSet, Operand, Rule, Ruleset, Statement } from './model.ts';

/** A packet as the rules see it. Addresses are hex keys: 8 or 32 digits, of one family. */
export interface Packet {
  readonly source: ElementKey;
  readonly destination: ElementKey;
  /** IANA number. */
  readonly protocol: number;
  /** 0 for protocols without ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly tcpFlags: number;
  /** Type and code of ICMP; absent for other protocols. */
  readonly icmp?: { readonly type: number; readonly code: number };
  /** The sender's hardware address as a key; absent where there is none. */
  readonly etherSource?: ElementKey;
  /** Empty for packets that the node itself sends. */
  readonly inputInterface: string;
  /** Empty before routing. */
  readonly outputInterface: string;
  /** {@link CT_STATE} bits. */
  readonly ctState: number;
  readonly ctMark: number;
  /** What was done to its connection before; absent: no rule that asks for it matches. */
  readonly ctStatus?: number;
  readonly mark: number;
}

/** What the rules ask of the node besides the packet. */
export interface Surroundings {
  /** Whether the node has the address. */
  isLocal(address: ElementKey): boolean;
  /** The interface towards the address. */
  route(address: ElementKey): string;
  /** The next hop towards the address; absent: each address is its own. */
  nextHop?(address: ElementKey): ElementKey;
  /** A number below `mod`. */
  random(mod: number): number;
}

/** What became of a packet, with the marks and addresses that it then carries. */
export interface Outcome {
  readonly verdict: 'accept' | 'drop' | 'reject';
  /** Where it left: by an interface, or to the node itself. */
  readonly delivered: 'node' | 'interface';
  readonly packet: Packet;
  /** The base chain that ended it; absent when accepted. */
  readonly endedBy?: string;
}

type ChainEnd = 'continue' | 'accept' | 'drop' | 'reject';

/** A packet on its way, changed by translation and marks. */
interface Walk {
  readonly ruleset: Ruleset;
  readonly around: Surroundings;
  packet: Packet;
  /** What this packet made dynamic maps remember. */
  readonly remembered: Map<string, string>;
}

/**
 * Sends one packet through the ruleset as the kernel would: prerouting, routing, then input or forward and postrouting;
 * or output and postrouting when the node itself sends it. An executable statement of what rules mean, for tests.
 */
export function interpret(ruleset: Ruleset, packet: Packet, around: Surroundings): Outcome {
  const walk: Walk = { ruleset, around, packet, remembered: new Map() };
  const fromNode = packet.inputInterface === '';
  const route = () => {
    walk.packet = { ...walk.packet, outputInterface: around.route(walk.packet.destination) };
  };
  if (fromNode) route();
  const first = runHook(walk, fromNode ? 'output' : 'prerouting');
  if (first !== undefined) return ended(walk, 'interface', first);
  if (!fromNode && around.isLocal(walk.packet.destination)) {
    const input = runHook(walk, 'input');
    return input === undefined
      ? { verdict: 'accept', delivered: 'node', packet: walk.packet }
      : ended(walk, 'node', input);
  }
  route();
  const rest = (fromNode ? undefined : runHook(walk, 'forward')) ?? runHook(walk, 'postrouting');
  return rest === undefined
    ? { verdict: 'accept', delivered: 'interface', packet: walk.packet }
    : ended(walk, 'interface', rest);
}

interface Ending {
  readonly verdict: 'drop' | 'reject';
  readonly chain: string;
}

function ended({ packet }: Walk, delivered: Outcome['delivered'], { verdict, chain }: Ending): Outcome {
  return { verdict, delivered, packet, endedBy: chain };
}

/** Undefined when every base chain lets the packet pass. */
function runHook(walk: Walk, hook: Hook['hook']): Ending | undefined {
  const chains = [...walk.ruleset.chains.values()].filter((chain) => chain.hook?.hook === hook);
  for (const chain of chains.sort((a, b) => a.hook!.priority - b.hook!.priority)) {
    // Translation is decided by a connection's first packet.
    if (chain.hook!.type === 'nat' && (walk.packet.ctState & CT_STATE.NEW) === 0) continue;
    const end = runChain(walk, chain.name);
    if (end === 'drop' || end === 'reject') return { verdict: end, chain: chain.name };
  }
  return undefined;
}

function runChain(walk: Walk, name: string): ChainEnd {
  const chain = walk.ruleset.chains.get(name);
  if (chain === undefined) throw new Error(`there is no chain ${name}`);
  for (const rule of chain.rules) {
    const end = runRule(walk, rule);
    if (end === 'return') return 'continue';
    if (end !== 'continue') return end === 'leave' ? 'continue' : end;
  }
  return 'continue';
}

/** `leave`: a `goto` target ran to its end, and with it the chain that the rule stands in. */
type RuleEnd = ChainEnd | 'return' | 'leave';

function runRule(walk: Walk, rule: Rule): RuleEnd {
  for (const statement of rule) {
    const result = runStatement(walk, statement);
    if (result === false) return 'continue';
    if (result !== true) return result;
  }
  return 'continue';
}

/** True and false say whether the rule goes on. */
function runStatement(walk: Walk, statement: Statement): boolean | Exclude<RuleEnd, 'continue'> {
  const { packet } = walk;
  switch (statement.kind) {
    case 'interface': {
      const name = statement.field === 'meta iifname' ? packet.inputInterface : packet.outputInterface;
      const wanted = statement.name;
      const same = wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted;
      return same === (statement.op === '==');
    }
    case 'compare': {
      const value = numberOf(walk, statement.field);
      if (value === undefined) return false;
      const masked = statement.mask === undefined ? value : (value & statement.mask) >>> 0;
      return (masked === statement.value) === (statement.op === '==');
    }
    case 'range': {
      const value = numberOf(walk, statement.field);
      if (value === undefined) return false;
      return (value >= statement.first && value <= statement.last) !== (statement.negate === true);
    }
    case 'address': {
      const value = bytesOf(walk, statement.field);
      if (value === undefined) return false;
      const bits = statement.prefix ?? statement.address.length * 4;
      return sameBits(value, statement.address, bits) === (statement.op === '==');
    }
    case 'lookup': {
      const key = keyOf(walk, statement.key);
      if (key === undefined) return false;
      return (find(setOf(walk, statement.set), key) !== undefined) !== (statement.negate === true);
    }
    case 'vmap': {
      const key = keyOf(walk, statement.key);
      const step =
        key === undefined || statement.through === undefined ? key : find(setOf(walk, statement.through), key);
      const number = statement.through === undefined ? step : step?.slice(8);
      const verdict = number === undefined ? undefined : find(setOf(walk, statement.map), number);
      return verdict === undefined ? false : follow(walk, verdict);
    }
    case 'counter':
    // One packet is never too many.
    case 'limit':
    case 'log':
    case 'copy':
    // What a handshake announces decides nothing.
    case 'clamp-mss':
      return true;
    case 'notrack':
      walk.packet = { ...packet, ctState: CT_STATE.UNTRACKED };
      return true;
    case 'set-mark': {
      const edit = (mark: number) => ((mark & ~statement.mask) | statement.value) >>> 0;
      if (statement.target === 'ct mark') walk.packet = { ...packet, ctMark: edit(packet.ctMark) };
      else walk.packet = { ...packet, mark: edit(packet.mark) };
      return true;
    }
    case 'copy-mark':
      walk.packet = { ...packet, mark: (packet.ctMark & statement.mask) >>> 0 };
      return true;
    case 'save-mark':
      walk.packet = { ...packet, ctMark: (packet.mark & statement.mask) >>> 0 };
      return true;
    case 'dnat-map': {
      const key = familyOf(packet) === statement.family ? keyOf(walk, statement.key) : undefined;
      const set = setOf(walk, statement.map);
      const data = key === undefined ? undefined : (walk.remembered.get(`${statement.map} ${key}`) ?? find(set, key));
      if (data === undefined) return false;
      const digits = statement.family === 4 ? 8 : 32;
      const port = Number.parseInt(data.slice(digits, digits + 4), 16);
      walk.packet = { ...packet, destination: data.slice(0, digits), destinationPort: port };
      return 'accept';
    }
    case 'remember': {
      const [key, choice] = [keyOf(walk, statement.key), keyOf(walk, statement.choice)];
      const data = choice === undefined ? undefined : find(setOf(walk, statement.from), choice);
      if (key === undefined || data === undefined) return false;
      walk.remembered.set(`${statement.map} ${key}`, data.slice(8));
      return true;
    }
    case 'chance':
      return walk.around.random(statement.oneOf) === 0;
    case 'snat':
      walk.packet = { ...packet, source: statement.address };
      return 'accept';
    case 'masquerade':
      walk.packet = { ...packet, source: 'masquerade' };
      return 'accept';
    case 'reject':
      return 'reject';
    case 'verdict':
      return follow(walk, statement.verdict);
  }
}

function follow(walk: Walk, verdict: string): Exclude<RuleEnd, 'continue'> | true {
  if (verdict === 'accept' || verdict === 'drop' || verdict === 'return') return verdict;
  const end = runChain(walk, verdict.slice('goto '.length));
  if (end !== 'continue') return end;
  return verdict.startsWith('goto ') ? 'leave' : true;
}

function setOf(walk: Walk, name: string): NamedSet {
  const set = walk.ruleset.sets.get(name);
  if (set === undefined) throw new Error(`there is no set ${name}`);
  return set;
}

function find({ spec, elements }: NamedSet, key: ElementKey): string | undefined {
  if (spec.interval !== true) return elements.get(key);
  for (const [element, data] of elements) {
    const [first, last] = element.split('-') as [string, string];
    if (fieldsWithin(spec.key, key, first, last)) return data;
  }
  return undefined;
}

function fieldsWithin(types: readonly FieldType[], key: string, first: string, last: string): boolean {
  let offset = 0;
  return types.every((type) => {
    const end = offset + Math.ceil(TYPE_BYTES[type] / 4) * 8;
    const value = key.slice(offset, end);
    const within = value >= first.slice(offset, end) && value <= last.slice(offset, end);
    offset = end;
    return within;
  });
}

function familyOf(packet: Packet): 4 | 6 {
  return packet.destination.length === 8 ? 4 : 6;
}

/** Undefined when the packet has no such field. */
function keyOf(walk: Walk, operands: readonly Operand[]): ElementKey | undefined {
  const parts = operands.map((operand) => operandOf(walk, operand));
  return parts.includes(undefined) ? undefined : parts.join('');
}

function operandOf(walk: Walk, operand: Operand): ElementKey | undefined {
  if (typeof operand === 'string') return bytesOf(walk, operand);
  if (operand.kind === 'numgen') return hostKey(walk.around.random(operand.mod));
  const value = bytesOf(walk, operand.of);
  // Not the kernel's hash, but as good a function of the address.
  return value === undefined ? undefined : hostKey(Number(BigInt(`0x${value}`) % BigInt(operand.mod)));
}

function bytesOf(walk: Walk, field: Field): ElementKey | undefined {
  const { packet } = walk;
  switch (field) {
    case 'meta iifname':
      return packet.inputInterface === '' ? undefined : ifnameKey(packet.inputInterface);
    case 'meta oifname':
      return packet.outputInterface === '' ? undefined : ifnameKey(packet.outputInterface);
    case 'ether saddr':
      return packet.etherSource;
    case 'ip saddr':
      return familyOf(packet) === 4 ? packet.source : undefined;
    case 'ip daddr':
      return familyOf(packet) === 4 ? packet.destination : undefined;
    case 'ip6 saddr':
      return familyOf(packet) === 6 ? packet.source : undefined;
    case 'ip6 daddr':
      return familyOf(packet) === 6 ? packet.destination : undefined;
    case 'rt ip nexthop':
    case 'rt ip6 nexthop': {
      if (familyOf(packet) !== (field === 'rt ip nexthop' ? 4 : 6)) return undefined;
      return walk.around.nextHop?.(packet.destination) ?? packet.destination;
    }
    case 'meta l4proto':
      return protoKey(packet.protocol);
    case 'th sport':
      return portKey(packet.sourcePort);
    case 'th dport':
      return portKey(packet.destinationPort);
    case 'meta mark':
    case 'ct state':
    case 'ct mark':
    case 'fib daddr type':
    case 'fib saddr type': {
      const value = numberOf(walk, field);
      return value === undefined ? undefined : hostKey(value);
    }
    case 'meta nfproto':
    case 'tcp flags':
    case 'ct status':
    case 'ct direction':
    case 'icmp type':
    case 'icmp code':
    case 'icmpv6 type':
    case 'icmpv6 code':
    case 'meta protocol':
    case 'arp saddr ip':
    case 'nd target':
      throw new Error(`the interpreter does not look up ${field}`);
  }
}

function numberOf(walk: Walk, field: Field): number | undefined {
  const { packet, around } = walk;
  switch (field) {
    case 'meta nfproto':
      return NFPROTO[familyOf(packet)];
    case 'meta l4proto':
      return packet.protocol;
    case 'meta mark':
      return packet.mark;
    case 'ct state':
      return packet.ctState;
    case 'ct mark':
      return packet.ctMark;
    case 'ct status':
      return packet.ctStatus;
    case 'th sport':
      return packet.sourcePort;
    case 'th dport':
      return packet.destinationPort;
    case 'tcp flags':
      return packet.protocol === IPPROTO.TCP ? packet.tcpFlags : undefined;
    case 'icmp type':
      return packet.protocol === IPPROTO.ICMP ? packet.icmp?.type : undefined;
    case 'icmp code':
      return packet.protocol === IPPROTO.ICMP ? packet.icmp?.code : undefined;
    case 'icmpv6 type':
      return packet.protocol === IPPROTO.ICMPV6 ? packet.icmp?.type : undefined;
    case 'icmpv6 code':
      return packet.protocol === IPPROTO.ICMPV6 ? packet.icmp?.code : undefined;
    case 'fib daddr type':
      return around.isLocal(packet.destination) ? RTN_LOCAL : 0;
    case 'fib saddr type':
      return around.isLocal(packet.source) ? RTN_LOCAL : 0;
    case 'meta iifname':
    case 'meta oifname':
    case 'ip saddr':
    case 'ip daddr':
    case 'ip6 saddr':
    case 'ip6 daddr':
    case 'ct direction':
    case 'ether saddr':
    case 'meta protocol':
    case 'arp saddr ip':
    case 'nd target':
    case 'rt ip nexthop':
    case 'rt ip6 nexthop':
      throw new Error(`the interpreter does not compare ${field}`);
  }
}

function sameBits(a: string, b: string, bits: number): boolean {
  const shift = BigInt(a.length * 4 - bits);
  return BigInt(`0x${a}`) >> shift === BigInt(`0x${b}`) >> shift;
}
