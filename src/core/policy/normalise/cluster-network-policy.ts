import type { Action, PortMatch, PortProtocol } from '../model.ts';
import { ADMIN_TIER, BASELINE_TIER } from '../tiers.ts';
import { namedPorts, readPriority } from './admin-network-policy.ts';
import { normaliseClusterPolicy } from './cluster-policy.ts';
import type { Dialect } from './cluster-dialect.ts';
import type { Place } from './cluster-policy.ts';
import { oneField, onlyFields, readInteger } from './fields.ts';
import type { Normalised } from './network-policy.ts';
import type { PolicyObject } from './registry.ts';
import { clusterScopeAt, isRecord } from './scope.ts';
import type { ClusterScope, Locate } from './scope.ts';

const PORT: readonly [number, number] = [1, 65_535];

const DIALECT: Dialect = {
  actions: new Map<string, Action>([
    ['Accept', 'allow'],
    ['Deny', 'deny'],
    ['Pass', 'pass'],
  ]),
  fields: ['tier', 'priority'],
  egressPeers: ['nodes', 'networks', 'domainNames'],
  ports: 'protocols',
  readPort: readProtocol,
  namespacesOptional: true,
};

/** Brings a `policy.networking.k8s.io` ClusterNetworkPolicy, v1alpha2 or v1beta1, into normal form. */
export function normaliseClusterNetworkPolicy(object: PolicyObject, locate?: Locate): Normalised {
  const scope = clusterScopeAt(object, 'ClusterNetworkPolicy', locate);
  const key = `ClusterNetworkPolicy/${scope.name}`;
  return normaliseClusterPolicy(object, key, scope, DIALECT, (spec) => readPlace(spec, scope));
}

function readPlace(spec: Readonly<Record<string, unknown>>, scope: ClusterScope): Place {
  const { order, understood } = readPriority(spec['priority'], scope);
  const { tier } = spec;
  if (tier === 'Admin') return { tier: ADMIN_TIER, order, understood };
  if (tier === 'Baseline') return { tier: BASELINE_TIER, order, understood };
  scope.report('spec.tier', 'must be Admin or Baseline');
  return { tier: ADMIN_TIER, order, understood: false };
}

const PROTOCOL_NAMES: Readonly<Record<'tcp' | 'udp' | 'sctp', PortProtocol>> = { tcp: 'TCP', udp: 'UDP', sctp: 'SCTP' };

function readProtocol(entry: unknown, path: string, scope: ClusterScope): readonly PortMatch[] | undefined {
  const chosen = oneField(entry, ['tcp', 'udp', 'sctp', 'destinationNamedPort'], path, scope);
  if (chosen === undefined) return undefined;
  const { name, value, path: at } = chosen;
  if (name === 'destinationNamedPort') return namedPorts(value, at, scope);
  const port = oneField(value, ['destinationPort'], at, scope);
  const range = port && readNumbers(port.value, port.path, scope);
  return range && [{ kind: 'range', protocol: PROTOCOL_NAMES[name], ...range, source: scope.source(path) }];
}

function readNumbers(
  value: unknown,
  path: string,
  scope: ClusterScope,
): { readonly first: number; readonly last: number } | undefined {
  const chosen = oneField(value, ['number', 'range'], path, scope);
  if (chosen === undefined) return undefined;
  if (chosen.name === 'number') {
    const number = readInteger(chosen.value, PORT, chosen.path, scope);
    return number === undefined ? undefined : { first: number, last: number };
  }
  const { value: range, path: at } = chosen;
  if (!isRecord(range)) return scope.report(at, 'must be an object with start and end');
  if (!onlyFields(range, ['start', 'end'], at, scope)) return undefined;
  const first = readInteger(range['start'], PORT, `${at}.start`, scope);
  const last = readInteger(range['end'], PORT, `${at}.end`, scope);
  if (first === undefined || last === undefined) return undefined;
  return first < last ? { first, last } : scope.report(`${at}.end`, 'must be above start; for one port use number');
}
