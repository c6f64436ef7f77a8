import type { Action, PortMatch, PortProtocol } from '../model.ts';
import { ADMIN_TIER, BASELINE_TIER } from '../tiers.ts';
import { normaliseClusterPolicy } from './cluster-policy.ts';
import type { Dialect } from './cluster-dialect.ts';
import { oneField, onlyFields, readInteger } from './fields.ts';
import type { Normalised } from './network-policy.ts';
import type { PolicyObject } from './registry.ts';
import { clusterScopeAt, isRecord } from './scope.ts';
import type { ClusterScope, Locate } from './scope.ts';

const PROTOCOLS: readonly PortProtocol[] = ['TCP', 'UDP', 'SCTP'];
const PORT: readonly [number, number] = [1, 65_535];

const ADMIN: Dialect = {
  actions: new Map<string, Action>([
    ['Allow', 'allow'],
    ['Deny', 'deny'],
    ['Pass', 'pass'],
  ]),
  fields: ['priority'],
  egressPeers: ['nodes', 'networks', 'domainNames'],
  ports: 'ports',
  readPort,
  namespacesOptional: false,
};

/** Nothing comes after it but what it does not match, so there is nothing to pass to. */
const BASELINE: Dialect = {
  ...ADMIN,
  actions: new Map<string, Action>([
    ['Allow', 'allow'],
    ['Deny', 'deny'],
  ]),
  fields: [],
  egressPeers: ['nodes', 'networks'],
};

/** Brings a `policy.networking.k8s.io/v1alpha1` AdminNetworkPolicy into normal form. */
export function normaliseAdminNetworkPolicy(object: PolicyObject, locate?: Locate): Normalised {
  const scope = clusterScopeAt(object, 'AdminNetworkPolicy', locate);
  return normaliseClusterPolicy(object, `AdminNetworkPolicy/${scope.name}`, scope, ADMIN, (spec) => ({
    tier: ADMIN_TIER,
    ...readPriority(spec['priority'], scope),
  }));
}

/** Brings a `policy.networking.k8s.io/v1alpha1` BaselineAdminNetworkPolicy into normal form; there is one, `default`. */
export function normaliseBaselineAdminNetworkPolicy(object: PolicyObject, locate?: Locate): Normalised {
  const scope = clusterScopeAt(object, 'BaselineAdminNetworkPolicy', locate);
  const understood = scope.name === 'default';
  if (!understood) scope.report('metadata.name', 'must be default: a cluster has one BaselineAdminNetworkPolicy');
  const place = { tier: BASELINE_TIER, order: Infinity, understood };
  return normaliseClusterPolicy(object, `BaselineAdminNetworkPolicy/${scope.name}`, scope, BASELINE, () => place);
}

/** The order that a priority means; one that cannot be read comes first, since the policy then only denies. */
export function readPriority(value: unknown, scope: ClusterScope): { order: number; understood: boolean } {
  const priority = readInteger(value, [0, 1000], 'spec.priority', scope);
  return { order: priority ?? -1, understood: priority !== undefined };
}

/** A name stands for the ports that a pod calls so under any protocol. */
export function namedPorts(value: unknown, path: string, scope: ClusterScope): readonly PortMatch[] | undefined {
  if (typeof value !== 'string' || value === '') return scope.report(path, 'must be the name of a container port');
  return PROTOCOLS.map((protocol) => ({ kind: 'named', protocol, name: value, source: scope.source(path) }));
}

function readPort(entry: unknown, path: string, scope: ClusterScope): readonly PortMatch[] | undefined {
  const chosen = oneField(entry, ['portNumber', 'portRange', 'namedPort'], path, scope);
  if (chosen === undefined) return undefined;
  const { name, value, path: at } = chosen;
  if (name === 'namedPort') return namedPorts(value, at, scope);
  if (!isRecord(value)) return scope.report(at, 'must be an object');
  const numbers = name === 'portNumber' ? ['port'] : ['start', 'end'];
  if (!onlyFields(value, ['protocol', ...numbers], at, scope)) return undefined;
  const protocol = PROTOCOLS.find((each) => each === (value['protocol'] ?? 'TCP'));
  if (protocol === undefined) return scope.report(`${at}.protocol`, 'must be TCP, UDP or SCTP');
  const [first, last] = numbers.map((field) => readInteger(value[field], PORT, `${at}.${field}`, scope));
  if (first === undefined || (numbers.length > 1 && last === undefined)) return undefined;
  if (last !== undefined && last < first) return scope.report(`${at}.end`, 'must not be below start');
  return [{ kind: 'range', protocol, first, last: last ?? first, source: scope.source(path) }];
}
