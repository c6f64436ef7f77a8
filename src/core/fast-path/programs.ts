import { Assembler } from '../bpf/index.ts';
import type { BpfProgram } from '../bpf/index.ts';
import { FIELD, HEADER, HOP, KEY, KNOWN, MAPS, STATE, TUNNEL } from './layout.ts';

/** Names of the programs begin so, and nobody else's. */
export const PREFIX = 'sluice_fast';

/** What the fast path knows of connections lives so long, nanoseconds: then a packet passes all rules again. */
const MEMORY = 30_000_000_000n;

/** struct __sk_buff (linux/bpf.h). */
const SKB = {
  length: 0,
  type: 4,
  mark: 8,
  protocol: 16,
  tagged: 20,
  comesFrom: 36,
  link: 40,
  data: 76,
  end: 80,
  gsoSize: 176,
} as const;
/** Helpers (linux/bpf.h). */
const HELPER = {
  lookup: 1,
  update: 2,
  storeBytes: 9,
  hash: 34,
  sumUpdate: 40,
  adjustRoom: 50,
  redirectNeighbour: 152,
  redirectPeer: 155,
  coarseTime: 160,
} as const;
/** TC_ACT_UNSPEC: as if the program were not there. */
const PASS = -1;
/** EtherTypes as a little-endian machine reads them. */
const TYPE = { 4: 0x0008, 6: 0xdd86 } as const;
const TCP = 6;
const UDP = 17;
const FIN_SYN_RST = 7;
/** Where the program keeps the key, a block's key or the type, the state's key or a byte, a header, a value or the time or a neighbour, and a tunnel's key. */
const STACK = { key: -40, block: -64, small: -72, header: -136, value: -168, tunnel: -176 } as const;
/**
 * BPF_F_ADJ_ROOM_*: FIXED_GSO, since the pods' MTU leaves room for the header already; NO_CSUM_RESET; ENCAP_L3_IPV4, ENCAP_L4_UDP,
 * ENCAP_L2_ETH and ENCAP_L2(14): what the room is for.
 */
const WRAP_FLAGS = 0x0e00_0000_0000_0073n;
/** BPF_ADJ_ROOM_MAC. */
const BEHIND_MAC = 1;
const WRAPPED = HEADER - 14;
const NEIGHBOUR = 20;

/**
 * Of a device by which packets leave: learns the connections of those that carry the mark, and the tunnels that others of them
 * are wrapped for.
 */
export function learningProgram(mark: number): BpfProgram {
  const asm = new Assembler().move('r6', 'r1').load(4, 'r1', 'r6', SKB.mark).jumpIf('r1', 'any of', mark, 'marked');
  asm.jump('pass').label('marked');
  state(asm);
  asm
    .load(4, 'r1', 'r0', STATE.learns)
    .jumpIf('r1', '==', 0, 'pass')
    .load(4, 'r1', 'r0', STATE.generation)
    .store(4, 'r10', STACK.value + KNOWN.generation, 'r1')
    .store(4, 'r10', STACK.value + KNOWN.link, 0)
    .call(HELPER.coarseTime)
    .wide('r1', MEMORY)
    .alu('add', 'r0', 'r1')
    .store(8, 'r10', STACK.value + KNOWN.until, 'r0');
  learnTunnel(asm);
  parse(asm);
  asm
    .load(4, 'r1', 'r6', SKB.comesFrom)
    .store(4, 'r10', STACK.key + KEY.link, 'r1')
    .load(4, 'r1', 'r6', SKB.link)
    .store(4, 'r10', STACK.value + KNOWN.link, 'r1')
    .load(8, 'r1', 'r7', 0)
    .store(8, 'r10', STACK.value + KNOWN.macs, 'r1')
    .load(4, 'r1', 'r7', 8)
    .store(4, 'r10', STACK.value + KNOWN.macs + 8, 'r1')
    .store(4, 'r10', STACK.value + KNOWN.macs + 12, 0);
  put(asm, MAPS.known.name, STACK.key);
  return asm.label('pass').return(PASS).program(`${PREFIX}_in`);
}

/** Ends with a packet that is wrapped in UDP over IPv4: packets for that tunnel leave so, and by no other way. */
function learnTunnel(asm: Assembler): void {
  asm
    .load(4, 'r7', 'r6', SKB.data)
    .load(4, 'r8', 'r6', SKB.end)
    .move('r1', 'r7')
    .alu('add', 'r1', 38)
    .jumpIf('r1', '>', 'r8', 'pass')
    .load(2, 'r1', 'r7', 12)
    .jumpIf('r1', '!=', TYPE[4], 'no tunnel')
    .load(1, 'r1', 'r7', 14)
    .jumpIf('r1', '!=', 0x45, 'no tunnel')
    .load(1, 'r1', 'r7', 23)
    .jumpIf('r1', '!=', UDP, 'no tunnel')
    .load(4, 'r1', 'r7', 30)
    .store(4, 'r10', STACK.tunnel + TUNNEL.peer, 'r1')
    .load(2, 'r1', 'r7', 36)
    .store(4, 'r10', STACK.tunnel + TUNNEL.port, 'r1');
  put(asm, MAPS.tunnels.name, STACK.tunnel);
  asm.jump('pass').label('no tunnel');
}

/** Of a device of other nodes: hands what belongs to a known connection to the pod itself. */
export function arrivingProgram(): BpfProgram {
  const asm = new Assembler().move('r6', 'r1');
  parse(asm);
  known(asm);
  passOneHop(asm);
  return asm
    .load(8, 'r1', 'r9', KNOWN.macs)
    .store(8, 'r7', 0, 'r1')
    .load(4, 'r1', 'r9', KNOWN.macs + 8)
    .store(4, 'r7', 8, 'r1')
    .load(4, 'r1', 'r9', KNOWN.link)
    .move('r2', 0)
    .call(HELPER.redirectPeer)
    .return('r0')
    .label('pass')
    .return(PASS)
    .program(`${PREFIX}_to`);
}

/** Of a pod's device: sends what belongs to a known connection on to the neighbour, wrapped for its node where that is to be. */
export function leavingProgram(): BpfProgram {
  const asm = new Assembler().move('r6', 'r1');
  parse(asm);
  known(asm);
  asm.store(4, 'r10', STACK.block, 128);
  for (let i = 0; i < 16; i += 4)
    asm.load(4, 'r1', 'r10', STACK.key + KEY.destination + i).store(4, 'r10', STACK.block + 4 + i, 'r1');
  lookUp(asm, MAPS.hops.name, STACK.block);
  asm.move('r8', 'r0');
  keepOuterFields(asm);
  passOneHop(asm);
  asm
    .load(4, 'r1', 'r8', HOP.wrap)
    .jumpIf('r1', '==', 0, 'plain')
    .load(4, 'r1', 'r8', HOP.peer + 4)
    .store(4, 'r10', STACK.tunnel + TUNNEL.peer, 'r1')
    .load(2, 'r1', 'r8', HOP.header + FIELD.port)
    .store(4, 'r10', STACK.tunnel + TUNNEL.port, 'r1');
  lookUp(asm, MAPS.tunnels.name, STACK.tunnel, 'plain');
  asm
    // Of the same generation, which counts, and not too old either.
    .load(4, 'r1', 'r0', KNOWN.generation)
    .load(4, 'r2', 'r9', KNOWN.generation)
    .jumpIf('r1', '!=', 'r2', 'plain')
    .load(8, 'r1', 'r0', KNOWN.until)
    .load(8, 'r2', 'r10', STACK.value)
    .jumpIf('r2', '>', 'r1', 'plain')
    // What is cut later fits then; anything else must now.
    .load(4, 'r1', 'r6', SKB.gsoSize)
    .jumpIf('r1', '!=', 0, 'fits')
    .load(4, 'r1', 'r6', SKB.length)
    .alu('add', 'r1', WRAPPED)
    .load(4, 'r2', 'r8', HOP.limit)
    .jumpIf('r1', '>', 'r2', 'plain')
    .label('fits')
    .move('r1', 'r6')
    .call(HELPER.hash)
    .move('r7', 'r0')
    .move('r1', 'r6')
    .move('r2', WRAPPED)
    .move('r3', BEHIND_MAC)
    .wide('r4', WRAP_FLAGS)
    .call(HELPER.adjustRoom)
    // There is no room, or it is wrapped by the pod already.
    .jumpIf('r0', '!=', 0, 'plain');
  writeHeader(asm);
  redirect(asm, HOP.peer, (to) => to.load(4, 'r1', 'r8', HOP.link));
  asm.label('plain');
  redirect(asm, HOP.neighbour, (to) => to.load(4, 'r1', 'r9', KNOWN.link));
  return asm.label('pass').return(PASS).program(`${PREFIX}_from`);
}

/**
 * Goes on with the key of the packet's connection but for the link, and r7 at its first byte, if it is TCP in the midst of a connection,
 * in a packet that a router has nothing to do to but to send it on: no fragment, no options of IPv4 or headers between, no tag, and hops left.
 */
function parse(asm: Assembler): void {
  asm
    .load(4, 'r7', 'r6', SKB.data)
    .load(4, 'r8', 'r6', SKB.end)
    .load(4, 'r1', 'r6', SKB.tagged)
    .jumpIf('r1', '!=', 0, 'pass')
    .load(4, 'r1', 'r6', SKB.protocol)
    .jumpIf('r1', '==', TYPE[6], 'six')
    .jumpIf('r1', '!=', TYPE[4], 'pass');
  long(asm, 54);
  asm
    .load(2, 'r1', 'r7', 12)
    .jumpIf('r1', '!=', TYPE[4], 'pass')
    .load(1, 'r1', 'r7', 14)
    .jumpIf('r1', '!=', 0x45, 'pass')
    // Neither MF nor an offset (RFC 791, 3.1).
    .load(2, 'r1', 'r7', 20)
    .jumpIf('r1', 'any of', 0xff3f, 'pass')
    .load(1, 'r1', 'r7', 22)
    .jumpIf('r1', '<', 2, 'pass')
    .load(1, 'r1', 'r7', 23)
    .jumpIf('r1', '!=', TCP, 'pass')
    .load(1, 'r1', 'r7', 47)
    .jumpIf('r1', 'any of', FIN_SYN_RST, 'pass');
  for (const [field, from] of [
    [KEY.source, 26],
    [KEY.destination, 30],
  ] as const) {
    const at = STACK.key + field;
    asm
      .store(4, 'r10', at, 0)
      .store(4, 'r10', at + 4, 0)
      .store(4, 'r10', at + 8, -65_536)
      .load(4, 'r1', 'r7', from)
      .store(4, 'r10', at + 12, 'r1');
  }
  asm.load(4, 'r1', 'r7', 34).jump('keyed').label('six');
  long(asm, 74);
  asm
    .load(2, 'r1', 'r7', 12)
    .jumpIf('r1', '!=', TYPE[6], 'pass')
    .load(1, 'r1', 'r7', 14)
    .alu('shiftRight', 'r1', 4)
    .jumpIf('r1', '!=', 6, 'pass')
    .load(1, 'r1', 'r7', 20)
    .jumpIf('r1', '!=', TCP, 'pass')
    .load(1, 'r1', 'r7', 21)
    .jumpIf('r1', '<', 2, 'pass')
    .load(1, 'r1', 'r7', 67)
    .jumpIf('r1', 'any of', FIN_SYN_RST, 'pass');
  for (let i = 0; i < 32; i += 4) asm.load(4, 'r1', 'r7', 22 + i).store(4, 'r10', STACK.key + KEY.source + i, 'r1');
  asm
    .load(4, 'r1', 'r7', 54)
    .label('keyed')
    .store(4, 'r10', STACK.key + KEY.ports, 'r1');
}

/** Goes on if the first bytes lie where they can be read. */
function long(asm: Assembler, bytes: number): void {
  asm.move('r1', 'r7').alu('add', 'r1', bytes).jumpIf('r1', '>', 'r8', 'pass');
}

/** Goes on with r0 at the state. */
function state(asm: Assembler): void {
  asm.store(4, 'r10', STACK.small, 0);
  lookUp(asm, MAPS.state.name, STACK.small);
}

/** Goes on with r0 at the element of the map, if there is one. */
function lookUp(asm: Assembler, map: string, key: number, otherwise = 'pass'): void {
  asm.map('r1', map).move('r2', 'r10').alu('add', 'r2', key).call(HELPER.lookup).jumpIf('r0', '==', 0, otherwise);
}

/** Puts the value on the stack into the map. */
function put(asm: Assembler, map: string, key: number): void {
  asm
    .map('r1', map)
    .move('r2', 'r10')
    .alu('add', 'r2', key)
    .move('r3', 'r10')
    .alu('add', 'r3', STACK.value)
    .move('r4', 0)
    .call(HELPER.update);
}

/** Goes on with r9 at what is known of the packet's connection, if that still counts, and the time on the stack. */
function known(asm: Assembler): void {
  asm
    // PACKET_HOST: for this node.
    .load(4, 'r1', 'r6', SKB.type)
    .jumpIf('r1', '!=', 0, 'pass')
    .load(4, 'r1', 'r6', SKB.link)
    .store(4, 'r10', STACK.key + KEY.link, 'r1');
  lookUp(asm, MAPS.known.name, STACK.key);
  asm.move('r9', 'r0');
  state(asm);
  asm
    .load(4, 'r1', 'r0', STATE.generation)
    .load(4, 'r2', 'r9', KNOWN.generation)
    .jumpIf('r1', '!=', 'r2', 'pass')
    .call(HELPER.coarseTime)
    .load(8, 'r1', 'r9', KNOWN.until)
    .jumpIf('r0', '>', 'r1', 'pass')
    .store(8, 'r10', STACK.value, 'r0');
}

/** Keeps the packet's type, and what the header around has to say of congestion (as the kernel has it: CE is not copied). */
function keepOuterFields(asm: Assembler): void {
  asm
    .load(4, 'r1', 'r6', SKB.protocol)
    .store(4, 'r10', STACK.block, 'r1')
    .jumpIf('r1', '==', TYPE[6], 'traffic class')
    .load(1, 'r1', 'r7', 15)
    .jump('class')
    .label('traffic class')
    .load(1, 'r1', 'r7', 15)
    .alu('shiftRight', 'r1', 4)
    .label('class')
    .alu('and', 'r1', 3)
    .jumpIf('r1', '!=', 3, 'not experienced')
    .move('r1', 2)
    .label('not experienced')
    .store(8, 'r10', STACK.small, 'r1');
}

/** One hop less. */
function passOneHop(asm: Assembler): void {
  asm
    .load(4, 'r1', 'r6', SKB.protocol)
    .jumpIf('r1', '==', TYPE[6], 'hop limit')
    .load(1, 'r1', 'r7', 22)
    .alu('add', 'r1', -1)
    .store(1, 'r7', 22, 'r1')
    // RFC 1624: one less in the upper byte of a word is one more in the sum's; the machine has its bytes the other way round.
    .load(2, 'r1', 'r7', 24)
    .alu('add', 'r1', 1)
    .jumpIf('r1', '<', 0xffff, 'no carry')
    .alu('add', 'r1', 1)
    .label('no carry')
    .store(2, 'r7', 24, 'r1')
    .jump('counted')
    .label('hop limit')
    .load(1, 'r1', 'r7', 21)
    .alu('add', 'r1', -1)
    .store(1, 'r7', 21, 'r1')
    // What a device summed up of the whole packet (CHECKSUM_COMPLETE) is less by that; over IPv4 the header's own sum makes up for it.
    .move('r1', 'r6')
    .move('r2', -257)
    .call(HELPER.sumUpdate)
    .label('counted');
}

/** Fills the room in front of the packet; r7 is the connection's hash. */
function writeHeader(asm: Assembler): void {
  for (let at = 0; at < HEADER; at += 8)
    asm.load(8, 'r1', 'r8', HOP.header + at).store(8, 'r10', STACK.header + at, 'r1');
  asm
    .load(8, 'r3', 'r10', STACK.small)
    .store(1, 'r10', STACK.header + FIELD.tos, 'r3')
    .load(4, 'r1', 'r6', SKB.length)
    .alu('add', 'r1', -14)
    .load(4, 'r2', 'r8', HOP.sum)
    .alu('add', 'r2', 'r1')
    .alu('add', 'r2', 'r3');
  for (let turn = 0; turn < 2; turn++)
    asm.move('r3', 'r2').alu('shiftRight', 'r3', 16).alu('and', 'r2', 0xffff).alu('add', 'r2', 'r3');
  asm.alu('xor', 'r2', 0xffff);
  field(asm, 'r2', FIELD.checksum);
  asm.move('r2', 'r1').alu('add', 'r2', -20);
  field(asm, 'r1', FIELD.length);
  field(asm, 'r2', FIELD.udpLength);
  // Of the dynamic ports (RFC 7348, 5), one for each connection.
  asm.alu('and', 'r7', 0x3fff).alu('or', 'r7', 0xc000);
  field(asm, 'r7', FIELD.sourcePort);
  asm
    .load(4, 'r1', 'r10', STACK.block)
    .store(2, 'r10', STACK.header + FIELD.innerType, 'r1')
    .move('r1', 'r6')
    .move('r2', 0)
    .move('r3', 'r10')
    .alu('add', 'r3', STACK.header)
    .move('r4', HEADER)
    .move('r5', 0)
    .call(HELPER.storeBytes);
}

function field(asm: Assembler, register: 'r1' | 'r2' | 'r7', at: number): void {
  asm.toNetworkOrder(register, 16).store(2, 'r10', STACK.header + at, register);
}

/** Ends by sending the packet to a neighbour of the hop, by the link that `link` brings to r1. */
function redirect(asm: Assembler, neighbour: number, link: (asm: Assembler) => void): void {
  for (const [at, width] of [
    [0, 8],
    [8, 8],
    [16, 4],
  ] as const)
    asm.load(width, 'r1', 'r8', neighbour + at).store(width, 'r10', STACK.value + at, 'r1');
  link(asm);
  asm
    .move('r2', 'r10')
    .alu('add', 'r2', STACK.value)
    .move('r3', NEIGHBOUR)
    .move('r4', 0)
    .call(HELPER.redirectNeighbour)
    .return('r0');
}
