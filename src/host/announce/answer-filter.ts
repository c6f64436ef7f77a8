import koffi from 'koffi';
import { expectSuccess } from '../errno.ts';
import { SOL_SOCKET, setsockopt } from '../libc.ts';

/** asm-generic/socket.h. */
const SO_ATTACH_FILTER = 26;
/** Classic BPF (linux/filter.h, linux/bpf_common.h): loads from the frame, a jump if equal, and the end. */
const LOAD = { byte: 0x30, half: 0x28, word: 0x20 } as const;
const JUMP_EQUAL = 0x15;
const RETURN = 0x06;
/** What the kernel knows of the frame besides its bytes: SKF_AD_OFF + SKF_AD_PKTTYPE. */
const PACKET_TYPE = 0xfffff004;
const PACKET_OTHERHOST = 3;
const WHOLE = 0xffff;

interface Check {
  readonly load: keyof typeof LOAD;
  readonly at: number;
  readonly equals: number;
}

/** ARP requests. */
export const REQUESTS: readonly Check[] = [{ load: 'half', at: 20, equals: 1 }];
/** Neighbour solicitations without extension headers, from this link. */
export const SOLICITATIONS: readonly Check[] = [
  { load: 'byte', at: 20, equals: 58 },
  { load: 'byte', at: 21, equals: 255 },
  { load: 'byte', at: 54, equals: 135 },
];

/** Lets only frames come to the packet socket that pass all checks and are for this host, on no other VLAN. */
export function attachFilter(fd: number, checks: readonly Check[]): void {
  const program = programOf(checks);
  const view = new DataView(new ArrayBuffer(16));
  view.setUint16(0, program.length / 8, true);
  view.setBigUint64(8, BigInt(koffi.address(program)), true);
  const header = new Uint8Array(view.buffer);
  expectSuccess(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, header, header.length), 'filtering frames');
}

/** `struct sock_filter`s: code u16, jumps if true and if false u8, value u32. */
function programOf(checks: readonly Check[]): Uint8Array {
  const steps: (readonly [code: number, jt: number, jf: number, k: number])[] = [
    [LOAD.word, 0, 0, PACKET_TYPE],
    // The end refuses; each check skips what is left of them.
    [JUMP_EQUAL, 2 * checks.length + 1, 0, PACKET_OTHERHOST],
    ...checks.flatMap(({ load, at, equals }, i) => [
      [LOAD[load], 0, 0, at] as const,
      [JUMP_EQUAL, 0, 2 * (checks.length - i - 1) + 1, equals] as const,
    ]),
    [RETURN, 0, 0, WHOLE],
    [RETURN, 0, 0, 0],
  ];
  const view = new DataView(new ArrayBuffer(steps.length * 8));
  for (const [i, [code, jt, jf, k]] of steps.entries()) {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, jt);
    view.setUint8(8 * i + 3, jf);
    view.setUint32(8 * i + 4, k, true);
  }
  return new Uint8Array(view.buffer);
}
