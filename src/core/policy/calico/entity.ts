import type { Family } from '../../../base/ip/index.ts';
import type { Selector } from '../../kube/labels.ts';
import { allOf } from '../../kube/labels.ts';
import { conjunction } from '../../kube/selector-algebra.ts';
import { NAMESPACE_LABEL, SERVICE_ACCOUNT_LABEL } from '../effective-labels.ts';
import { endpointPeerKey } from '../model.ts';
import type { EndpointPeer, Peer, PortMatch, ServicePeer, Side } from '../model.ts';
import { onlyFields } from '../normalise/fields.ts';
import { isRecord, readList } from '../normalise/scope.ts';
import { readNets } from './nets.ts';
import { readPorts } from './ports.ts';
import type { AskedProtocol } from './protocol.ts';
import { ENDPOINTS, RULE_NAMESPACES, SERVICE_ACCOUNTS, readCalicoSelector } from './read-selector.ts';
import type { CalicoScope } from './scope.ts';

/** What a rule asks of one end of a connection. */
export interface Entity {
  /** False when some of it could not be read; that part is then left out, so that more matches. */
  readonly understood: boolean;
  /** The end must be one of each of these lists. */
  readonly all: readonly (readonly Peer[])[];
  /** The end must be none of these. */
  readonly none: readonly (readonly Peer[])[];
  /** Families of which every list of blocks has one: a rule with IPv4 blocks only is none for IPv6, negated or not. */
  readonly families: readonly Family[];
  readonly ports: readonly PortMatch[] | undefined;
  readonly notPorts: readonly PortMatch[] | undefined;
}

/** How an end is read. */
export interface EntityContext {
  readonly scope: CalicoScope;
  readonly side: Side;
  /** Whether it is the side that the policy does not apply to. */
  readonly peer: boolean;
  readonly protocol: AskedProtocol;
}

const FIELDS = [
  'nets',
  'notNets',
  'selector',
  'notSelector',
  'namespaceSelector',
  'services',
  'ports',
  'notPorts',
  'serviceAccounts',
];
const BOTH: readonly Family[] = [4, 6];

/** Reads `source` or `destination` of a rule. Never throws. */
export function readEntity(value: unknown, path: string, context: EntityContext): Entity {
  const fields = value ?? {};
  if (!isRecord(fields)) {
    context.scope.report(path, 'must be an object');
    return { ...readFields({}, path, context), understood: false };
  }
  const known = onlyFields(fields, FIELDS, path, context.scope);
  const read = readFields(fields, path, context);
  return { ...read, understood: read.understood && known };
}

function readFields(fields: Readonly<Record<string, unknown>>, path: string, context: EntityContext): Entity {
  const { scope, protocol } = context;
  const nets = readNets(fields['nets'], `${path}.nets`, scope);
  const notNets = readNets(fields['notNets'], `${path}.notNets`, scope);
  const not = readCalicoSelector(fields['notSelector'], ENDPOINTS, 'any', `${path}.notSelector`, scope);
  const endpoints = readEndpoints(fields, not !== undefined && not !== 'any', path, scope);
  const service = readService(fields, `${path}.services`, context);
  const ports = readPorts(fields['ports'], protocol, `${path}.ports`, scope);
  const notPorts = readPorts(fields['notPorts'], protocol, `${path}.notPorts`, scope);
  const parts = [nets, notNets, endpoints, not, service];
  return {
    understood: parts.every((each) => each !== undefined) && ports !== 'problem' && notPorts !== 'problem',
    all: [chosen(endpoints), chosen(service), nets ?? []].filter((list) => list.length > 0),
    none: [
      not === undefined || not === 'any' ? [] : [endpointPeer(not, `${path}.notSelector`, scope)],
      notNets ?? [],
    ].filter((list) => list.length > 0),
    families: BOTH.filter((family) =>
      [nets, notNets].every((list) => !list?.length || list.some((net) => net.family === family)),
    ),
    ports: ports === 'problem' ? undefined : ports,
    notPorts: notPorts === 'problem' ? undefined : notPorts,
  };
}

function chosen(peer: Peer | 'any' | undefined): readonly Peer[] {
  return peer === undefined || peer === 'any' ? [] : [peer];
}

/**
 * The endpoints that `selector`, `namespaceSelector` and `serviceAccounts` together choose. As soon as a rule of a
 * namespaced policy has any of them, or `notSelector`, it is only for endpoints of that namespace, unless another is named.
 */
function readEndpoints(
  fields: Readonly<Record<string, unknown>>,
  negated: boolean,
  path: string,
  scope: CalicoScope,
): EndpointPeer | 'any' | undefined {
  const own = readCalicoSelector(fields['selector'], ENDPOINTS, 'any', `${path}.selector`, scope);
  const accounts = readServiceAccounts(fields['serviceAccounts'], `${path}.serviceAccounts`, scope);
  const at = `${path}.namespaceSelector`;
  const namespaces = readCalicoSelector(fields['namespaceSelector'], RULE_NAMESPACES, 'any', at, scope);
  if (own === undefined || accounts === undefined || namespaces === undefined) return undefined;
  const given = [own, accounts, namespaces].filter((each) => each !== 'any');
  if (given.length === 0 && !negated) return 'any';
  const home = namespaces === 'any' && scope.namespace !== undefined ? [inNamespace(scope.namespace)] : [];
  if (given.length + home.length === 0) return 'any';
  const field = ['selector', 'namespaceSelector', 'serviceAccounts', 'notSelector'].find((name) =>
    isPresent(fields[name]),
  );
  return endpointPeer(conjunction([...home, ...given]), `${path}.${field}`, scope);
}

function readServiceAccounts(value: unknown, path: string, scope: CalicoScope): Selector | 'any' | undefined {
  if (!isPresent(value)) return 'any';
  if (!isRecord(value)) return scope.report(path, 'must be an object with names or a selector');
  const known = onlyFields(value, ['names', 'selector'], path, scope);
  const selector = readCalicoSelector(value['selector'], SERVICE_ACCOUNTS, 'any', `${path}.selector`, scope);
  const names = readList(value['names'], scope, `${path}.names`);
  if (names !== undefined && !names.every((name) => typeof name === 'string'))
    return scope.report(`${path}.names`, 'must be a list of names');
  if (!known || selector === undefined || names === undefined) return undefined;
  const named = names.length === 0 ? [] : [isOneOf(SERVICE_ACCOUNT_LABEL, names)];
  const given = selector === 'any' ? named : [...named, selector];
  return given.length === 0 ? 'any' : conjunction(given);
}

/** The API refuses what is refused here: a Service says more than the other fields, and has its own ports. */
function readService(
  fields: Readonly<Record<string, unknown>>,
  path: string,
  { scope, side, peer }: EntityContext,
): ServicePeer | 'any' | undefined {
  const value = fields['services'];
  if (!isPresent(value)) return 'any';
  if (!isRecord(value)) return scope.report(path, 'must be an object with name and namespace');
  if (!onlyFields(value, ['name', 'namespace'], path, scope)) return undefined;
  if (!peer) return scope.report(path, 'may only stand in the source of ingress and the destination of egress rules');
  if (side === 'destination' && (isPresent(fields['ports']) || isPresent(fields['notPorts'])))
    return scope.report(path, 'brings its own ports: leave ports and notPorts out');
  const { name, namespace = scope.namespace } = value;
  if (typeof name !== 'string' || name === '') return scope.report(`${path}.name`, 'must be the name of a Service');
  if (typeof namespace !== 'string' || namespace === '')
    return scope.report(`${path}.namespace`, 'must be the namespace of the Service');
  return { kind: 'service', key: `${namespace}/${name}`, namespace, name, source: scope.source(path) };
}

function endpointPeer(selector: Selector, path: string, scope: CalicoScope): EndpointPeer {
  return { kind: 'endpoints', key: endpointPeerKey(selector), selector, source: scope.source(path) };
}

function inNamespace(namespace: string): Selector {
  return isOneOf(NAMESPACE_LABEL, [namespace]);
}

function isOneOf(key: string, values: readonly string[]): Selector {
  return allOf([{ key, operator: 'In', values }]);
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
