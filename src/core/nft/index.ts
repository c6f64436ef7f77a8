export { applyTransaction, EMPTY_RULESET, replaceAll } from './diff.ts';
export { addressKey } from './key.ts';
export { CT_STATE, IPPROTO, TCP_FLAG } from './model.ts';
export type { Ruleset, Transaction } from './model.ts';
export { PACKET_MARK } from './statements.ts';
