import { parseIp } from '../../base/ip/index.ts';
import { parseCalicoSelector } from '../kube/calico-selector.ts';
import { Fields } from './fields.ts';
import type { BgpObject, Read } from './fields.ts';
import { present, restartTime, secretKey } from './field-values.ts';
import type { BgpPeer, NextHop } from './types.ts';
import { asNumber, peerAddress } from '../kube/bgp-values.ts';

/**
 * A BGPPeer. One of which anything cannot be read is no peer at all: a session without its password, its filters or its
 * bounds would be worse than none.
 */
export function readPeer(object: BgpObject): Read<BgpPeer> {
  const name = object.metadata?.name ?? '';
  const spec = new Fields(`BGPPeer/${name}`, object.spec);
  const password = secretKey(spec, 'password');
  const value = present<BgpPeer>({
    name,
    node: spec.text('node'),
    nodeSelector: selector(spec, 'nodeSelector'),
    address: spec.read('peerIP', 'an address, with a port or not: 10.0.0.1, 10.0.0.1:179, [fd00::1]:179', peerAddress),
    peerSelector: selector(spec, 'peerSelector'),
    asNumber: optionalAs(spec, 'asNumber'),
    localAsNumber: optionalAs(spec, 'localASNumber'),
    nextHop: nextHop(spec),
    password,
    sourceAddress: spec.choice('sourceAddress', ['UseNodeIP', 'None']) === 'None' ? 'none' : 'node',
    maxRestart: restartTime(spec, 'maxRestartTime'),
    allowedLocalAs: spec.integer('numAllowedLocalASNumbers', 0, 255),
    ttlSecurity: spec.integer('ttlSecurity', 0, 254) || undefined,
    reachableBy: spec.read('reachableBy', 'an address', (item) =>
      typeof item === 'string' ? parseIp(item) : undefined,
    ),
    filters:
      spec.list('filters', 'the name of a BGPFilter', (item) => (typeof item === 'string' ? item : undefined)) ?? [],
    bfd: spec.choice('failureDetectionMode', ['None', 'BFDIfDirectlyConnected']) === 'BFDIfDirectlyConnected',
    reverse: spec.choice('reversePeering', ['Auto', 'Manual']) !== 'Manual',
  });
  check(spec, value);
  return { value: spec.issues.length === 0 ? value : undefined, issues: spec.issues };
}

/** What no field alone tells. */
function check(spec: Fields, peer: BgpPeer): void {
  if (peer.node !== undefined && peer.nodeSelector !== undefined)
    spec.reject('nodeSelector', 'must not be set when node is');
  if (peer.address === undefined && peer.peerSelector === undefined && !spec.has('peerIP'))
    spec.reject('peerIP', 'must be set, or peerSelector');
  if (peer.address !== undefined && peer.peerSelector !== undefined)
    spec.reject('peerSelector', 'must not be set when peerIP is');
  if (peer.peerSelector !== undefined && peer.asNumber !== undefined)
    spec.reject('asNumber', 'must not be set when peerSelector is: the nodes have AS numbers of their own');
  if (spec.has('localWorkloadSelector')) spec.reject('localWorkloadSelector', 'peering with pods is not supported');
  if (peer.reachableBy !== undefined && peer.reachableBy.family !== peer.address?.ip.family)
    spec.reject('reachableBy', 'must be of the same family as peerIP');
}

/** Calico's zero stands for nothing. */
function optionalAs(spec: Fields, name: string): number | undefined {
  return (
    spec.read(name, 'an AS number from 1 to 4294967295', (value) => (value === 0 ? 0 : asNumber(value))) || undefined
  );
}

function selector(spec: Fields, name: string): string | undefined {
  const text = spec.text(name);
  const parsed = text === undefined ? undefined : parseCalicoSelector(text);
  if (parsed !== undefined && 'problem' in parsed)
    return spec.reject(name, `${parsed.problem.message} (column ${parsed.problem.column})`);
  return text;
}

function nextHop(spec: Fields): NextHop {
  const mode = spec.choice('nextHopMode', ['Auto', 'Self', 'Keep']);
  if (mode !== undefined) return mode === 'Self' ? 'self' : mode === 'Keep' ? 'keep' : 'auto';
  return spec.flag('keepOriginalNextHop') === true ? 'keep' : 'auto';
}
