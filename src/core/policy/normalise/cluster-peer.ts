import { formatCidr, intervalSet, networkOf, parseCidr, rangeOf } from '../../../base/ip/index.ts';
import { EVERYTHING, selectorKey } from '../../kube/labels.ts';
import { podSetKey } from '../model.ts';
import type { Action, BlockPeer, Direction, DomainPeer, Peer, PodPeer, PodSet } from '../model.ts';
import { readNamespacedPod, readPresent } from './cluster-dialect.ts';
import type { RuleReader } from './cluster-dialect.ts';
import { oneField } from './fields.ts';
import type { ClusterScope } from './scope.ts';

interface PeerReader extends RuleReader {
  /** Of the rule; undefined when it could not be read. */
  readonly action: Action | undefined;
}

/** The peers of a rule's `from` or `to`; undefined, and reported, when any of them is not understood. */
export function readClusterPeers(
  value: unknown,
  direction: Direction,
  path: string,
  reader: PeerReader,
): readonly Peer[] | undefined {
  if (!Array.isArray(value) || value.length === 0)
    return reader.scope.report(path, 'must be a list with at least one peer');
  const read = value.map((peer, index) => readPeer(peer, direction, `${path}[${index}]`, reader));
  return read.every((each) => each !== undefined) ? read.flat() : undefined;
}

/** A peer of the API is one of the model's, but for lists of blocks and names. */
function readPeer(peer: unknown, direction: Direction, path: string, reader: PeerReader): readonly Peer[] | undefined {
  const { scope, dialect } = reader;
  const egress = direction === 'egress' ? dialect.egressPeers : [];
  const chosen = oneField(peer, ['namespaces', 'pods', ...egress], path, scope);
  if (chosen === undefined) return undefined;
  const source = scope.source(path);
  switch (chosen.name) {
    case 'namespaces': {
      const selector = readPresent(chosen.value, chosen.path, scope);
      return selector && [podPeer({ namespaces: { kind: 'selector', selector }, pods: EVERYTHING }, source)];
    }
    case 'pods': {
      const { namespaces, pods } = readNamespacedPod(chosen.value, chosen.path, reader);
      return namespaces && pods && [podPeer({ namespaces, pods }, source)];
    }
    case 'nodes': {
      const nodes = readPresent(chosen.value, chosen.path, scope);
      return nodes && [{ kind: 'nodes', key: selectorKey(nodes), nodes, source }];
    }
    case 'networks':
      return readEach(chosen.value, chosen.path, scope, readNetwork);
    case 'domainNames':
      if (reader.action !== undefined && reader.action !== 'allow')
        return scope.report(
          chosen.path,
          'only rules that accept may name domains: what is not accepted can be denied by a later rule',
        );
      return readEach(chosen.value, chosen.path, scope, readDomain);
  }
}

function podPeer(set: PodSet, source: PodPeer['source']): PodPeer {
  return { kind: 'pods', ...set, key: podSetKey(set), source };
}

function readEach<T>(
  value: unknown,
  path: string,
  scope: ClusterScope,
  read: (entry: unknown, path: string, scope: ClusterScope) => T | undefined,
): readonly T[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return scope.report(path, 'must be a list with at least one entry');
  const entries = value.map((entry, index) => read(entry, `${path}[${index}]`, scope));
  return entries.every((each) => each !== undefined) ? entries : undefined;
}

function readNetwork(value: unknown, path: string, scope: ClusterScope): BlockPeer | undefined {
  const parsed = typeof value === 'string' ? parseCidr(value) : undefined;
  if (parsed === undefined)
    return scope.report(path, 'must be a block of addresses such as 10.9.8.0/24 or 2001:db8::/64');
  const cidr = networkOf(parsed);
  const ranges = intervalSet([rangeOf(cidr)]);
  const key = formatCidr(cidr);
  return { kind: 'block', key, family: cidr.ip.family, ranges, cidr, except: [], source: scope.source(path) };
}

/** The API's own pattern: a name of two labels or more, with `*.` in front for everything below it. */
const DOMAIN = /^(\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?$/;

function readDomain(value: unknown, path: string, scope: ClusterScope): DomainPeer | undefined {
  if (typeof value !== 'string' || !DOMAIN.test(value))
    return scope.report(path, 'must be a domain name such as www.example.com or *.example.com');
  const pattern = value.toLowerCase().replace(/\.$/, '');
  return { kind: 'domain', key: pattern, pattern, source: scope.source(path) };
}
