import { bitsOf } from '../../base/ip/index.ts';
import type { Family } from '../../base/ip/index.ts';
import { Fields } from './fields.ts';
import type { BgpObject, Read } from './fields.ts';
import { block, present } from './field-values.ts';
import type { BgpFilter, Community, FilterOperation, FilterRule, NetMatch } from './types.ts';
import { asNumber, community, isInterfacePattern } from '../kube/bgp-values.ts';

const OPERATORS = ['Equal', 'NotEqual', 'In', 'NotIn'] as const;
/** Kernel metrics as Calico bounds them. */
const PRIORITIES = [1, 2_147_483_646] as const;
const COMMUNITY = 'a community such as 64512:100 or 64512:100:1';
const AS = 'an AS number from 1 to 4294967295';

/** What stands for a rule that cannot be read, so that nothing passes that it was to stop. */
const REJECT: FilterRule = { action: 'reject', learnt: false, operations: [] };

/** A BGPFilter. In place of a rule that cannot be read stands one that rejects everything. */
export function readFilter(object: BgpObject): Read<BgpFilter> {
  const name = object.metadata?.name ?? '';
  const spec = new Fields(`BGPFilter/${name}`, object.spec);
  const rules = (field: string, family: Family): readonly FilterRule[] => {
    const known = spec.issues.length;
    const list = spec.objects(field)?.map((rule) => readRule(rule, family));
    return list ?? (spec.issues.length > known ? [REJECT] : []);
  };
  const value: BgpFilter = {
    name,
    rules: {
      import: { 4: rules('importV4', 4), 6: rules('importV6', 6) },
      export: { 4: rules('exportV4', 4), 6: rules('exportV6', 6) },
    },
  };
  return { value, issues: spec.issues };
}

function readRule(rule: Fields, family: Family): FilterRule {
  const known = rule.issues.length;
  const action = rule.choice('action', ['Accept', 'Reject']);
  if (!rule.has('action')) rule.reject('action', 'must be Accept or Reject');
  const peerType = rule.choice('peerType', ['eBGP', 'iBGP']);
  const operations = (rule.objects('operations') ?? []).map(readOperation);
  if (operations.length > 0 && action === 'Reject') rule.reject('operations', 'need the action Accept');
  const value = present<FilterRule>({
    action: action === 'Accept' ? 'accept' : 'reject',
    match: netMatch(rule, family),
    learnt: rule.choice('source', ['RemotePeers']) !== undefined,
    interface: rule.read('interface', 'the name of an interface, or a pattern with *', (item) =>
      typeof item === 'string' && isInterfacePattern(item) ? item : undefined,
    ),
    peerType: peerType === undefined ? undefined : peerType === 'iBGP' ? 'internal' : 'external',
    community: communityOf(rule),
    pathPrefix: rule.list('asPathPrefix', AS, asNumber),
    priority: rule.integer('priority', ...PRIORITIES),
    operations: operations.filter((operation) => operation !== undefined),
  });
  return rule.issues.length === known ? value : REJECT;
}

function netMatch(rule: Fields, family: Family): NetMatch | undefined {
  const operator = rule.choice('matchOperator', OPERATORS);
  const cidr = rule.read('cidr', `a block of IPv${family} addresses`, (value) => {
    const read = block(value);
    return read?.ip.family === family ? read : undefined;
  });
  if (rule.has('cidr') !== rule.has('matchOperator')) rule.reject('cidr', 'and matchOperator need each other');
  const length = rule.object('prefixLength');
  const bits = bitsOf(family);
  const [least, most] = [length.integer('min', 0, bits), length.integer('max', 0, bits)];
  if (rule.has('prefixLength') && !rule.has('cidr')) rule.reject('prefixLength', 'needs cidr');
  if (operator === undefined || cidr === undefined) return undefined;
  if ((least ?? 0) > (most ?? bits)) rule.reject('prefixLength', 'has a min beyond its max');
  return present<NetMatch>({ operator, cidr, least, most });
}

function communityOf(rule: Fields): Community | undefined {
  if (!rule.has('communities')) return undefined;
  const values = rule.object('communities').list('values', COMMUNITY, community);
  if (values?.length !== 1) return rule.reject('communities', 'must have one value');
  return values[0];
}

function readOperation(operation: Fields): FilterOperation | undefined {
  const kinds = ['addCommunity', 'prependASPath', 'setPriority'].filter((kind) => operation.has(kind));
  if (kinds.length !== 1)
    return operation.reject('addCommunity', 'or prependASPath or setPriority must be set, one of them');
  const added = operation.object('addCommunity').read('value', COMMUNITY, community);
  if (added !== undefined) return { kind: 'add-community', community: added };
  const path = operation.object('prependASPath').list('prefix', AS, asNumber);
  if (path !== undefined) return { kind: 'prepend', path };
  const priority = operation.object('setPriority').integer('value', ...PRIORITIES);
  if (priority !== undefined) return { kind: 'set-priority', priority };
  return operation.reject(kinds[0]!, 'needs a value');
}
