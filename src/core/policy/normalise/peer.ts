import {
  cidrCovers,
  formatCidr,
  intervalSet,
  networkOf,
  parseCidr,
  rangeOf,
  subtract,
} from '../../../base/ip/index.ts';
import type { Cidr } from '../../../base/ip/index.ts';
import { EVERYTHING } from '../../kube/labels.ts';
import { podSetKey } from '../model.ts';
import type { Peer } from '../model.ts';
import { isRecord, readList, readSelector } from './scope.ts';
import type { Scope } from './scope.ts';

const FIELDS = ['podSelector', 'namespaceSelector', 'ipBlock'];

/**
 * One entry of `from` or `to`. Selectors in one entry are ANDed: `podSelector` alone means pods of the policy's own
 * namespace, `namespaceSelector` alone every pod of the namespaces. Undefined, and reported, when not understood.
 */
export function normalisePeer(peer: unknown, path: string, scope: Scope): Peer | undefined {
  if (!isRecord(peer)) return scope.report(path, 'must be an object');
  const strange = Object.keys(peer).filter((name) => !FIELDS.includes(name));
  for (const name of strange) scope.report(`${path}.${name}`, `unknown field; a peer has ${FIELDS.join(', ')}`);
  if (strange.length > 0) return undefined;
  const present = FIELDS.filter((name) => !isAbsent(peer[name]));
  if (present.length === 0) return scope.report(path, 'must specify a peer');
  if (!present.includes('ipBlock')) return podPeer(peer, path, scope);
  if (present.length > 1) return scope.report(path, 'may not specify both ipBlock and another peer');
  return blockPeer(peer['ipBlock'], `${path}.ipBlock`, scope);
}

function podPeer(peer: Record<string, unknown>, path: string, scope: Scope): Peer | undefined {
  const { podSelector, namespaceSelector } = peer;
  const pods = isAbsent(podSelector) ? EVERYTHING : readSelector(podSelector, scope, `${path}.podSelector`);
  const namespaces = isAbsent(namespaceSelector)
    ? 'own'
    : readSelector(namespaceSelector, scope, `${path}.namespaceSelector`);
  if (pods === undefined || namespaces === undefined) return undefined;
  const set = {
    namespaces:
      namespaces === 'own'
        ? ({ kind: 'name', name: scope.namespace } as const)
        : ({ kind: 'selector', selector: namespaces } as const),
    pods,
  };
  return { kind: 'pods', ...set, key: podSetKey(set), source: scope.source(path) };
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function blockPeer(block: unknown, path: string, scope: Scope): Peer | undefined {
  if (!isRecord(block)) return scope.report(path, 'must be an object');
  const cidr = readCidr(block['cidr'], `${path}.cidr`, scope);
  const excepts = readList(block['except'], scope, `${path}.except`);
  if (cidr === undefined || excepts === undefined) return undefined;
  const holes: Cidr[] = [];
  for (const [index, text] of excepts.entries()) {
    const at = `${path}.except[${index}]`;
    const hole = readCidr(text, at, scope);
    if (hole === undefined) return undefined;
    if (!cidrCovers(cidr, hole)) return scope.report(at, `must be a strict subset of ${formatCidr(cidr)}`);
    holes.push(hole);
  }
  const except = holes.length === 0 ? '' : ` except ${holes.map(formatCidr).sort().join(', ')}`;
  return {
    kind: 'block',
    key: `${formatCidr(cidr)}${except}`,
    family: cidr.ip.family,
    ranges: subtract(intervalSet([rangeOf(cidr)]), intervalSet(holes.map(rangeOf))),
    cidr,
    except: holes,
    source: scope.source(path),
  };
}

function readCidr(text: unknown, path: string, scope: Scope): Cidr | undefined {
  const cidr = typeof text === 'string' ? parseCidr(text) : undefined;
  return cidr === undefined
    ? scope.report(path, 'must be a block of addresses such as 10.9.8.0/24 or 2001:db8::/64')
    : networkOf(cidr);
}
