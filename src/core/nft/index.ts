export { applyTransaction, diff, EMPTY_RULESET, replaceAll } from './diff.ts';
export {
  addressKey,
  addressOfKey,
  etherKey,
  hostKey,
  ifnameKey,
  keyBytes,
  portKey,
  protoKey,
  rangeKey,
} from './key.ts';
export * from './model.ts';
export { CT_MARK } from './statements.ts';
