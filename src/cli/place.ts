import { formatIp, parseIp, type Family, type Ip } from '../base/ip/index.ts';
import { SluiceError } from '../base/errors.ts';
import { suggest } from '../core/kube/suggest.ts';
import type { ClusterState, NodeEndpoint, PodEndpoint, ServiceInfo } from '../core/policy/index.ts';

/** One end of a connection as the user names it, found in the cluster. */
export type Place =
  | { readonly kind: 'pod'; readonly pod: PodEndpoint }
  | { readonly kind: 'service'; readonly service: ServiceInfo }
  | { readonly kind: 'node'; readonly node: NodeEndpoint }
  | { readonly kind: 'address'; readonly ip: Ip }
  /** Somewhere outside of the cluster. */
  | { readonly kind: 'outside' };

/** The addresses of the lab's `outside` host; both ranges are reserved for documentation (RFC 5737, RFC 3849). */
export const OUTSIDE: Readonly<Record<Family, Ip>> = {
  4: parseIp('203.0.113.10')!,
  6: parseIp('2001:db8:113::10')!,
};

const FORMS = 'a pod (NAME or NAMESPACE/NAME), NAMESPACE/service/NAME, node/NAME, an IP address, or outside';

/**
 * Finds what `text` names: `ns/pod`, `pod` (in namespace `namespace`), `ns/service/name`, `service/name`, `node/name`, an address or
 * `outside`. Throws `no-such-place` that says what there is instead.
 */
export function findPlace(text: string, state: ClusterState, namespace: string): Place {
  if (text === 'outside') return { kind: 'outside' };
  const ip = parseIp(text);
  if (ip !== undefined) return { kind: 'address', ip };
  const parts = text.split('/');
  if (parts.some((part) => part === '') || parts.length > 3) throw unknown(`'${text}' is not ${FORMS}`);
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return findPod(`${namespace}/${first}`, state);
  if (parts.length === 2 && first === 'node') return findNode(second, state);
  if (parts.length === 2 && isService(first)) return findService(`${namespace}/${second}`, state);
  if (parts.length === 2 && isPod(first)) return findPod(`${namespace}/${second}`, state);
  if (parts.length === 2) return findPod(text, state);
  if (isService(second)) return findService(`${first}/${third}`, state);
  if (isPod(second)) return findPod(`${first}/${third}`, state);
  throw unknown(`'${text}' is not ${FORMS}`);
}

/** The families in which a place has an address, IPv4 first. */
export function familiesOf(place: Place): readonly Family[] {
  switch (place.kind) {
    case 'pod':
      return families(place.pod.addresses);
    case 'node':
      return families(place.node.addresses);
    case 'address':
      return [place.ip.family];
    case 'service':
    case 'outside':
      return [4, 6];
  }
}

/** What a place is called in messages. */
export function describePlace(place: Place): string {
  switch (place.kind) {
    case 'pod':
      return place.pod.key;
    case 'service':
      return `${place.service.namespace}/service/${place.service.name}`;
    case 'node':
      return `node/${place.node.name}`;
    case 'address':
      return formatIp(place.ip);
    case 'outside':
      return 'outside';
  }
}

function findPod(key: string, state: ClusterState): Place {
  const pod = state.pods.get(key);
  if (pod !== undefined) {
    if (pod.completed) throw unknown(`pod ${key} has completed: it has no address any more`);
    if (pod.addresses.length === 0) throw unknown(`pod ${key} has no address yet`);
    return { kind: 'pod', pod };
  }
  const name = key.slice(key.indexOf('/') + 1);
  const elsewhere = [...state.pods.values()].find((each) => each.name === name);
  if (elsewhere !== undefined) throw unknown(`there is no pod ${key}; did you mean ${elsewhere.key}?`);
  throw unknown(`there is no pod ${key}${hint(key, state.pods.keys())}`);
}

function findService(key: string, state: ClusterState): Place {
  const service = state.services.get(key);
  if (service === undefined) throw unknown(`there is no service ${key}${hint(key, state.services.keys())}`);
  return { kind: 'service', service };
}

function findNode(name: string, state: ClusterState): Place {
  const node = state.nodes.get(name);
  if (node === undefined) throw unknown(`there is no node ${name}; there are ${[...state.nodes.keys()].join(', ')}`);
  return { kind: 'node', node };
}

function hint(key: string, known: Iterable<string>): string {
  const near = suggest(key, [...known]);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

function isService(word: string): boolean {
  return word === 'service' || word === 'services' || word === 'svc';
}

function isPod(word: string): boolean {
  return word === 'pod' || word === 'pods' || word === 'po';
}

function families(addresses: readonly Ip[]): readonly Family[] {
  return ([4, 6] as const).filter((family) => addresses.some((address) => address.family === family));
}

function unknown(message: string): SluiceError<'no-such-place'> {
  return new SluiceError('no-such-place', message);
}
