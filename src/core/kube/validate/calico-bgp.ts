import { parseIp } from '../../../base/ip/index.ts';
import { LONGEST_RESTART, asNumber, community, isInterfacePattern, peerAddress, seconds } from '../bgp-values.ts';
import { calicoNet } from '../calico-values.ts';
import { NOT_A_NET, addressField, selectorField } from './calico-fields.ts';
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

const COMMUNITY = 'must be aa:nn with numbers of 16 bits, or aa:nn:mm with numbers of 32 bits';
const MODES = ['Equal', 'NotEqual', 'In', 'NotIn'];

/** Checks a Calico BGPConfiguration. */
export function validateBgpConfiguration(object: Field): void {
  const spec = child(object, 'spec');
  oneOf(child(spec, 'logSeverityScreen'), ['Debug', 'Info', 'Warning', 'Error', 'Fatal']);
  asField(child(spec, 'asNumber'));
  range(child(spec, 'listenPort'), 1, 65_535);
  oneOf(child(spec, 'bindMode'), ['None', 'NodeIP']);
  oneOf(child(spec, 'serviceLoadBalancerAggregation'), ['Enabled', 'Disabled']);
  items(child(spec, 'ignoredInterfaces')).forEach(interfaceField);
  for (const name of ['serviceClusterIPs', 'serviceExternalIPs', 'serviceLoadBalancerIPs'])
    for (const entry of items(child(spec, name))) netField(child(entry, 'cidr'));
  const named = items(child(spec, 'communities')).map((entry) => {
    communityField(child(entry, 'value'));
    return requireText(child(entry, 'name'));
  });
  for (const entry of items(child(spec, 'prefixAdvertisements'))) {
    netField(child(entry, 'cidr'));
    for (const value of items(child(entry, 'communities')))
      if (!named.includes(text(value)) && community(value.value) === undefined)
        reject(value, `${COMMUNITY}, or the name of one in spec.communities`);
  }
  passwordField(child(spec, 'nodeMeshPassword'));
  durationField(child(spec, 'nodeMeshMaxRestartTime'));
  const name = String(child(child(object, 'metadata'), 'name').value);
  for (const field of ['nodeToNodeMeshEnabled', 'asNumber', 'nodeMeshPassword', 'nodeMeshMaxRestartTime'])
    if (name !== 'default' && isPresent(child(spec, field)))
      rejectForbidden(child(spec, field), 'may only be set in the configuration named default');
}

/** Checks a Calico BGPPeer. */
export function validateBgpPeer(object: Field): void {
  const spec = child(object, 'spec');
  const field = (name: string): Field => child(spec, name);
  const set = (name: string): boolean => text(field(name)) !== undefined;
  selectorField(field('nodeSelector'));
  selectorField(field('peerSelector'));
  if (set('node') && set('nodeSelector')) rejectForbidden(field('nodeSelector'), 'may not be set when node is');
  const address = peerAddress(text(field('peerIP')));
  if (set('peerIP') && address === undefined)
    reject(field('peerIP'), 'must be an address, with a port or not: 10.0.0.1, 10.0.0.1:179, [fd00::1]:179');
  if (set('peerIP') === set('peerSelector')) {
    if (set('peerIP')) rejectForbidden(field('peerSelector'), 'may not be set when peerIP is');
    else rejectMissing(field('peerIP'), 'must be set, or peerSelector');
  }
  for (const name of ['asNumber', 'localASNumber']) if (field(name).value !== 0) asField(field(name));
  if (set('peerSelector') && isPresent(field('asNumber')) && field('asNumber').value !== 0)
    rejectForbidden(field('asNumber'), 'may not be set when peerSelector is: the nodes have AS numbers of their own');
  oneOf(field('reversePeering'), ['Auto', 'Manual']);
  oneOf(field('nextHopMode'), ['Auto', 'Self', 'Keep']);
  oneOf(field('sourceAddress'), ['UseNodeIP', 'None']);
  oneOf(field('failureDetectionMode'), ['None', 'BFDIfDirectlyConnected']);
  passwordField(field('password'));
  durationField(field('maxRestartTime'));
  range(field('numAllowedLocalASNumbers'), 0, 255);
  range(field('ttlSecurity'), 0, 254);
  if (set('reachableBy')) {
    addressField(field('reachableBy'));
    const gateway = parseIp(text(field('reachableBy')) ?? '');
    if (gateway !== undefined && gateway.family !== address?.ip.family)
      reject(field('reachableBy'), 'must be of the same family as peerIP');
  }
  items(field('filters')).forEach((name) => requireText(name));
}

/** Checks a Calico BGPFilter. */
export function validateBgpFilter(object: Field): void {
  const spec = child(object, 'spec');
  for (const family of [4, 6] as const)
    for (const direction of ['import', 'export'])
      for (const rule of items(child(spec, `${direction}V${family}`))) filterRule(rule, family);
}

function filterRule(rule: Field, family: 4 | 6): void {
  const field = (name: string): Field => child(rule, name);
  keys(rule);
  requireText(field('action'));
  oneOf(field('action'), ['Accept', 'Reject']);
  oneOf(field('matchOperator'), MODES);
  oneOf(field('source'), ['RemotePeers']);
  oneOf(field('peerType'), ['eBGP', 'iBGP']);
  if (isPresent(field('cidr'))) {
    if (calicoNet(field('cidr').value)?.ip.family !== family || !String(field('cidr').value).includes('/'))
      reject(field('cidr'), `must be a block of IPv${family} addresses`);
    if (!isPresent(field('matchOperator'))) rejectMissing(field('matchOperator'), 'must be set when cidr is');
  } else if (isPresent(field('matchOperator'))) rejectMissing(field('cidr'), 'must be set when matchOperator is');
  const length = field('prefixLength');
  if (isPresent(length) && !isPresent(field('cidr'))) rejectForbidden(length, 'may only be set beside cidr');
  const bits = family === 4 ? 32 : 128;
  const [least = 0, most = bits] = ['min', 'max'].map((name) => range(child(length, name), 0, bits));
  if (least > most) reject(length, `begins with ${least}, after its end ${most}`);
  if (isPresent(field('interface'))) interfaceField(field('interface'));
  if (isPresent(field('communities'))) {
    const values = items(child(field('communities'), 'values'));
    values.forEach(communityField);
    if (values.length !== 1) reject(field('communities'), 'must have one value');
  }
  items(field('asPathPrefix')).forEach(asField);
  range(field('priority'), 1, 2_147_483_646);
  const operations = items(field('operations'));
  if (operations.length > 0 && field('action').value !== 'Accept')
    rejectForbidden(field('operations'), 'may only be set with the action Accept');
  operations.forEach(operationField);
}

function operationField(operation: Field): void {
  if (keys(operation).length !== 1) reject(operation, 'must be one of addCommunity, prependASPath, setPriority');
  const community = child(operation, 'addCommunity');
  if (isPresent(community)) communityField(child(community, 'value'));
  const path = child(operation, 'prependASPath');
  if (isPresent(path)) items(child(path, 'prefix')).forEach(asField);
  const priority = child(operation, 'setPriority');
  if (isPresent(priority)) range(child(priority, 'value'), 1, 2_147_483_646);
}

function asField(field: Field): void {
  if (isPresent(field) && asNumber(field.value) === undefined)
    reject(field, 'must be an AS number from 1 to 4294967295, or in dotted form "1.10"');
}

function netField(field: Field): void {
  const value = requireText(field);
  if (value !== undefined && (calicoNet(value) === undefined || !value.includes('/'))) reject(field, NOT_A_NET);
}

function communityField(field: Field): void {
  const value = requireText(field);
  if (value !== undefined && community(value) === undefined) reject(field, COMMUNITY);
}

function interfaceField(field: Field): void {
  const value = requireText(field);
  if (value !== undefined && !isInterfacePattern(value))
    reject(field, 'must be the name of an interface, of at most 15 characters, with * or without');
}

function passwordField(field: Field): void {
  if (!isPresent(field)) return;
  const reference = child(field, 'secretKeyRef');
  requireText(child(reference, 'name'));
  requireText(child(reference, 'key'));
}

function durationField(field: Field): void {
  const value = text(field);
  const time = seconds(value);
  if (value !== undefined && (time === undefined || time > LONGEST_RESTART))
    reject(field, `must be a duration of whole seconds, at most ${LONGEST_RESTART}s, such as 120s`);
}

/** The number of the field, which is reported when it is not between both, inclusive. */
function range(field: Field, least: number, most: number): number | undefined {
  const value = integer(field);
  if (value !== undefined && (value < least || value > most))
    reject(field, `must be between ${least} and ${most}, inclusive`);
  return value;
}
