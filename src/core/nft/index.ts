export { applyTransaction, diff, EMPTY_RULESET, replaceAll } from './diff.ts';
export { fastPathTable, LEARNT } from './fast-path.ts';
export type { FastPath } from './fast-path.ts';
export { addressKey } from './key.ts';
export { CT_STATE, IPPROTO, TCP_FLAG } from './model.ts';
export type { Ruleset, Transaction } from './model.ts';
