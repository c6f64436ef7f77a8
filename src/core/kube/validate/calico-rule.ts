import type { Family } from '../../../base/ip/index.ts';
import { netFields, portFields, protocolField, ruleNamespaceField, selectorField } from './calico-fields.ts';
import {
  child,
  integer,
  isPresent,
  items,
  keys,
  oneOf,
  reject,
  rejectForbidden,
  rejectMissing,
  requireText,
  text,
} from './field.ts';
import type { Field } from './field.ts';

const ICMP = 1;
const ICMPV6 = 58;
const WITH_PORTS = [6, 17, 132];

/** What kind of rule it is. */
export interface CalicoRuleContext {
  readonly direction: 'ingress' | 'egress';
  /** Whether the policy is in a namespace, which Services are then taken from. */
  readonly namespaced: boolean;
}

/** Checks one rule of a Calico policy or profile as Calico's API server does (libcalico-go/lib/validator/v3). */
export function validateCalicoRule(rule: Field, context: CalicoRuleContext): void {
  keys(rule);
  const action = child(rule, 'action');
  if (requireText(action) !== undefined) oneOf(action, ['Allow', 'Deny', 'Log', 'Pass']);
  const version = child(rule, 'ipVersion');
  const family = integer(version);
  if (family !== undefined && family !== 4 && family !== 6) reject(version, 'must be 4 or 6');
  const protocol = protocolField(child(rule, 'protocol'));
  const notProtocol = protocolField(child(rule, 'notProtocol'));
  for (const [number, wanted, name] of [[ICMP, 4, 'ICMP'] as const, [ICMPV6, 6, 'ICMPv6'] as const])
    if ((protocol === number || notProtocol === number) && family !== undefined && family !== wanted)
      reject(version, `must be ${wanted} with protocol ${name}`);
  validateIcmp(child(rule, 'icmp'), protocol, true);
  validateIcmp(child(rule, 'notICMP'), protocol, false);
  const families = (['source', 'destination'] as const).flatMap((side) =>
    validateEntity(child(rule, side), side, protocol, context),
  );
  validateFamilies(rule, families, family);
  validateHttp(rule, protocol, context);
}

/** A rule is for one family: its blocks are all of one. */
function validateFamilies(rule: Field, families: readonly Family[], asked: number | undefined): void {
  if (new Set(families).size > 1) reject(rule, 'must not have both IPv4 and IPv6 blocks; write two rules');
  else if (asked !== undefined && families.length > 0 && families[0] !== asked)
    reject(child(rule, 'ipVersion'), `must be ${families[0]}, as the blocks of the rule are IPv${families[0]}`);
}

function validateIcmp(field: Field, protocol: number | undefined, needsProtocol: boolean): void {
  if (!isPresent(field)) return;
  keys(field);
  if (needsProtocol && protocol !== ICMP && protocol !== ICMPV6)
    reject(field, 'needs protocol ICMP or ICMPv6 in the rule');
  for (const [name, most] of [['type', 254] as const, ['code', 255] as const]) {
    const value = integer(child(field, name));
    if (value !== undefined && (value < 0 || value > most)) reject(child(field, name), `must be between 0 and ${most}`);
  }
  if (isPresent(child(field, 'code')) && !isPresent(child(field, 'type')))
    reject(child(field, 'code'), 'needs a type beside it');
}

/** Returns the families of the blocks. */
function validateEntity(
  entity: Field,
  side: 'source' | 'destination',
  protocol: number | undefined,
  context: CalicoRuleContext,
): readonly Family[] {
  keys(entity);
  for (const name of ['ports', 'notPorts']) {
    const list = child(entity, name);
    portFields(list);
    if (items(list).length > 0 && (protocol === undefined || !WITH_PORTS.includes(protocol)))
      reject(list, 'needs protocol TCP, UDP or SCTP in the rule');
  }
  selectorField(child(entity, 'selector'));
  selectorField(child(entity, 'notSelector'));
  ruleNamespaceField(child(entity, 'namespaceSelector'));
  const accounts = child(entity, 'serviceAccounts');
  keys(accounts);
  items(child(accounts, 'names')).forEach((name) => requireText(name));
  selectorField(child(accounts, 'selector'));
  validateServices(entity, side, context);
  return ['nets', 'notNets'].flatMap((name) => netFields(child(entity, name), true));
}

function validateServices(
  entity: Field,
  side: 'source' | 'destination',
  { direction, namespaced }: CalicoRuleContext,
): void {
  const services = child(entity, 'services');
  if (!isPresent(services)) return;
  keys(services);
  if (side !== (direction === 'ingress' ? 'source' : 'destination'))
    rejectForbidden(services, `may not stand in the ${side} of ${direction} rules`);
  requireText(child(services, 'name'), 'must specify a Service');
  if (text(child(services, 'namespace')) === undefined && !namespaced)
    rejectMissing(child(services, 'namespace'), 'must specify a namespace');
  const excluded = ['selector', 'notSelector', 'namespaceSelector', 'serviceAccounts', 'nets', 'notNets'];
  if (side === 'destination') excluded.push('ports', 'notPorts');
  for (const name of excluded.filter((each) => isGiven(child(entity, each))))
    rejectForbidden(child(entity, name), 'may not stand beside services');
}

function validateHttp(rule: Field, protocol: number | undefined, { direction }: CalicoRuleContext): void {
  const http = child(rule, 'http');
  if (!isPresent(http)) return;
  keys(http);
  if (child(rule, 'action').value !== 'Allow') rejectForbidden(http, 'may only stand in rules that allow');
  if (direction === 'egress') rejectForbidden(http, 'may only stand in ingress rules');
  if (protocol !== undefined && protocol !== 6) reject(child(rule, 'protocol'), 'must be TCP or absent with http');
  for (const path of items(child(http, 'paths')))
    if (isPresent(child(path, 'exact')) === isPresent(child(path, 'prefix')))
      reject(path, 'must have either exact or prefix');
}

function isGiven(field: Field): boolean {
  return isPresent(field) && field.value !== '' && !(Array.isArray(field.value) && field.value.length === 0);
}
