import { SluiceError } from '../../base/errors.ts';

/** r0: results; r1 to r5: what helpers are given, gone after a call; r6 to r9: kept; r10: the end of the stack. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
/** A register or a number of 32 bits, which is extended with its sign. */
export type Value = `r${Register}` | number;
type Name = `r${Register}`;
/** Bytes of a memory access. */
export type Width = 1 | 2 | 4 | 8;

/** A program of the kernel's own machine before its maps have descriptors. */
export interface BpfProgram {
  readonly name: string;
  /** `struct bpf_insn`s, little-endian. */
  readonly code: Uint8Array<ArrayBuffer>;
  /** Instructions whose immediate is to be the descriptor of a map. */
  readonly maps: readonly { readonly at: number; readonly map: string }[];
}

/** Instruction classes and sizes (RFC 9669). */
const CLASS = { LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const;
const SIZE: Readonly<Record<Width, number>> = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 };
const MEMORY = 0x60;
const SOURCE_REGISTER = 0x08;
const LOAD_WIDE = 0x18;
const CALL = 0x85;
const EXIT = 0x95;
/** BPF_END to big endian. */
const TO_BIG_ENDIAN = 0xdc;
/** What a wide load's source says of its immediate: the descriptor of a map. */
const PSEUDO_MAP_FD = 1;
const ALU = { add: 0x00, or: 0x40, and: 0x50, shiftLeft: 0x60, shiftRight: 0x70, xor: 0xa0, move: 0xb0 } as const;
const JUMP = { always: 0x00, '==': 0x10, '>': 0x20, '>=': 0x30, 'any of': 0x40, '!=': 0x50, '<': 0xa0 } as const;

interface Instruction {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
  readonly label?: string;
}

/** Puts a program together, instruction by instruction; each method adds one and returns the assembler. */
export class Assembler {
  readonly #instructions: Instruction[] = [];
  readonly #labels = new Map<string, number>();
  readonly #maps: { readonly at: number; readonly map: string }[] = [];

  /** Arithmetic of 64 bits: `to` becomes `to` op `value`. */
  alu(operation: keyof typeof ALU, to: Name, value: Value): this {
    return this.#operate(CLASS.ALU64, operation, to, value);
  }

  /** The same with the lower 32 bits; the upper ones become 0. */
  alu32(operation: keyof typeof ALU, to: Name, value: Value): this {
    return this.#operate(CLASS.ALU, operation, to, value);
  }

  move(to: Name, value: Value): this {
    return this.alu('move', to, value);
  }

  /** The lower `bits` bits in network byte order. */
  toNetworkOrder(register: Name, bits: 16 | 32): this {
    return this.#add({ code: TO_BIG_ENDIAN, to: numberOf(register), value: bits });
  }

  load(width: Width, to: Name, from: Name, offset: number): this {
    return this.#add({ code: CLASS.LDX | MEMORY | SIZE[width], to: numberOf(to), from: numberOf(from), offset });
  }

  store(width: Width, to: Name, offset: number, value: Value): this {
    if (typeof value === 'number')
      return this.#add({ code: CLASS.ST | MEMORY | SIZE[width], to: numberOf(to), offset, value });
    return this.#add({ code: CLASS.STX | MEMORY | SIZE[width], to: numberOf(to), from: numberOf(value), offset });
  }

  /** A number of 64 bits. */
  wide(to: Name, value: bigint): this {
    const low = Number(BigInt.asIntN(32, value));
    const high = Number(BigInt.asIntN(32, value >> 32n));
    return this.#add({ code: LOAD_WIDE, to: numberOf(to), value: low }).#add({ code: 0, value: high });
  }

  /** The map of that name. */
  map(to: Name, map: string): this {
    this.#maps.push({ at: this.#instructions.length, map });
    return this.#add({ code: LOAD_WIDE, to: numberOf(to), from: PSEUDO_MAP_FD }).#add({ code: 0 });
  }

  /** Goes on at the label if the comparison of 64 bits holds. */
  jumpIf(left: Name, comparison: Exclude<keyof typeof JUMP, 'always'>, right: Value, label: string): this {
    return this.#jump(CLASS.JMP, comparison, left, right, label);
  }

  /** The same of the lower 32 bits. */
  jumpIf32(left: Name, comparison: Exclude<keyof typeof JUMP, 'always'>, right: Value, label: string): this {
    return this.#jump(CLASS.JMP32, comparison, left, right, label);
  }

  jump(label: string): this {
    return this.#add({ code: CLASS.JMP | JUMP.always, label });
  }

  label(name: string): this {
    this.#labels.set(name, this.#instructions.length);
    return this;
  }

  /** A helper of the kernel by its number (linux/bpf.h). */
  call(helper: number): this {
    return this.#add({ code: CALL, value: helper });
  }

  /** Ends with a result. */
  return(value: Value): this {
    if (value !== 'r0') this.move('r0', value);
    return this.#add({ code: EXIT });
  }

  /** @throws SluiceError `invalid` where a jump leads to no label. */
  program(name: string): BpfProgram {
    const view = new DataView(new ArrayBuffer(this.#instructions.length * 8));
    for (const [at, { code, to = 0, from = 0, offset = 0, value = 0, label }] of this.#instructions.entries()) {
      view.setUint8(8 * at, code);
      view.setUint8(8 * at + 1, (from << 4) | to);
      view.setInt16(8 * at + 2, label === undefined ? offset : this.#distance(at, label), true);
      view.setInt32(8 * at + 4, value, true);
    }
    return { name, code: new Uint8Array(view.buffer), maps: this.#maps };
  }

  #operate(kind: number, operation: keyof typeof ALU, to: Name, value: Value): this {
    const code = kind | ALU[operation];
    if (typeof value === 'number') return this.#add({ code, to: numberOf(to), value });
    return this.#add({ code: code | SOURCE_REGISTER, to: numberOf(to), from: numberOf(value) });
  }

  #jump(kind: number, comparison: keyof typeof JUMP, left: Name, right: Value, label: string): this {
    const code = kind | JUMP[comparison];
    if (typeof right === 'number') return this.#add({ code, to: numberOf(left), value: right, label });
    return this.#add({ code: code | SOURCE_REGISTER, to: numberOf(left), from: numberOf(right), label });
  }

  #distance(at: number, label: string): number {
    const target = this.#labels.get(label);
    if (target === undefined) throw new SluiceError('invalid', `a jump leads to "${label}", which is nowhere`);
    return target - at - 1;
  }

  #add(instruction: Instruction): this {
    this.#instructions.push(instruction);
    return this;
  }
}

function numberOf(register: Name): number {
  return Number(register.slice(1));
}
