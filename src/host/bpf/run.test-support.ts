import koffi from 'koffi';
import { expectSuccess } from '../errno.ts';
import { bpf } from '../libc.ts';
import type { LoadedProgram } from './port.ts';

/** Of `struct __sk_buff` what a test may say. */
export interface PacketContext {
  readonly mark?: number;
  /** Indexes of links. */
  readonly comesFrom?: number;
  readonly link?: number;
  /** Size of the pieces that the packet is to be cut into. */
  readonly gsoSize?: number;
}

const PROG_TEST_RUN = 10;

/** Has the kernel run a program for one frame, which goes nowhere: what the program answers, and what it made of the frame. */
export function runProgram(
  program: LoadedProgram,
  frame: Uint8Array,
  { mark = 0, comesFrom = 0, link = 1, gsoSize = 0 }: PacketContext = {},
): { readonly answer: number; readonly frame: Uint8Array<ArrayBuffer> } {
  const out = new Uint8Array(frame.length + 256);
  const context = new Uint8Array(192);
  const fields = new DataView(context.buffer);
  fields.setUint32(8, mark, true);
  fields.setUint32(36, comesFrom, true);
  fields.setUint32(40, link, true);
  fields.setUint32(176, gsoSize, true);
  const attributes = new Uint8Array(128);
  const view = new DataView(attributes.buffer);
  const pointer = (at: number, target: Uint8Array): void => view.setBigUint64(at, BigInt(koffi.address(target)), true);
  view.setUint32(0, (program as LoadedProgram & { readonly fd: number }).fd, true);
  view.setUint32(8, frame.length, true);
  view.setUint32(12, out.length, true);
  pointer(16, frame);
  pointer(24, out);
  view.setUint32(40, context.length, true);
  pointer(48, context);
  expectSuccess(bpf(PROG_TEST_RUN, attributes, attributes.length), `running ${program.name}`);
  return { answer: view.getInt32(4, true), frame: out.slice(0, view.getUint32(12, true)) };
}
