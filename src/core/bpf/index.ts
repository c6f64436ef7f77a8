export { Assembler } from './assembler.ts';
export type { BpfProgram, Register, Value, Width } from './assembler.ts';
