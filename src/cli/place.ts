import {
  formatCidr,
  formatIp,
  networkOf,
  parseCidr,
  parseIp,
  type Cidr,
  type Family,
  type Ip,
} from '../base/ip/index.ts';
import { SluiceError } from '../base/errors.ts';
import { parseLabelQuery } from '../core/kube/label-query.ts';
import { matchesLabels, parseLabelMap } from '../core/kube/labels.ts';
import { suggest } from '../core/kube/suggest.ts';
import type { ClusterState, NodeEndpoint, PodEndpoint, ServiceInfo } from '../core/policy/cluster.ts';

/** One end of a connection as the user names it, found in the cluster. */
export type Place =
  /** One pod, the pods of a workload, or those with labels; never none. */
  | { readonly kind: 'pods'; readonly title: string; readonly pods: readonly PodEndpoint[] }
  | { readonly kind: 'service'; readonly service: ServiceInfo; readonly pods: readonly PodEndpoint[] }
  | { readonly kind: 'node'; readonly node: NodeEndpoint }
  | { readonly kind: 'address'; readonly ip: Ip }
  /** All its addresses, whosever they are. */
  | { readonly kind: 'block'; readonly cidr: Cidr }
  /** A domain name, lower case and without a final dot. */
  | { readonly kind: 'domain'; readonly name: string; readonly addresses: readonly Ip[] }
  /** Somewhere outside of the cluster. */
  | { readonly kind: 'outside' };

/** The addresses of the lab's `outside` host; both ranges are reserved for documentation (RFC 5737, RFC 3849). */
export const OUTSIDE: Readonly<Record<Family, Ip>> = {
  4: parseIp('203.0.113.10')!,
  6: parseIp('2001:db8:113::10')!,
};

/** What ends of connections are called, for help texts. */
export const PLACE_FORMS =
  'a pod (NAME or NAMESPACE/NAME), NAMESPACE/deployment/NAME (or another workload), NAMESPACE/service/NAME, labels (app=web or NAMESPACE/app=web,tier=db), an IP address or block, node/NAME, domain/NAME, or outside';

const KINDS: Readonly<Record<string, string>> = {
  pod: 'pod',
  pods: 'pod',
  po: 'pod',
  service: 'service',
  services: 'service',
  svc: 'service',
  deployment: 'Deployment',
  deployments: 'Deployment',
  deploy: 'Deployment',
  statefulset: 'StatefulSet',
  statefulsets: 'StatefulSet',
  sts: 'StatefulSet',
  daemonset: 'DaemonSet',
  daemonsets: 'DaemonSet',
  ds: 'DaemonSet',
  replicaset: 'ReplicaSet',
  replicasets: 'ReplicaSet',
  rs: 'ReplicaSet',
  replicationcontroller: 'ReplicationController',
  rc: 'ReplicationController',
  job: 'Job',
  jobs: 'Job',
  cronjob: 'CronJob',
  cronjobs: 'CronJob',
  cj: 'CronJob',
};

/**
 * Finds what `text` names, in one of the {@link PLACE_FORMS}; names without a namespace are looked up in `namespace`, labels
 * without one in all. Throws `no-such-place` that says what there is instead.
 */
export function findPlace(text: string, state: ClusterState, namespace: string): Place {
  if (text === 'outside') return { kind: 'outside' };
  const ip = parseIp(text);
  if (ip !== undefined) return { kind: 'address', ip };
  const cidr = parseCidr(text);
  if (cidr !== undefined) return { kind: 'block', cidr: networkOf(cidr) };
  if (/[=!,(]/u.test(text)) return findLabelled(text, state);
  const parts = text.split('/');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 2 && first === 'domain' && second !== '') return findDomain(second, state);
  if (parts.length === 2 && second === '' && first !== '') return findLabelled(text, state);
  if (parts.some((part) => part === '') || parts.length > 3) throw unknown(`'${text}' is not ${PLACE_FORMS}`);
  // Pods may be called 1.2.3, but who writes such a thing means an address; none is called anything with a colon.
  const isNumbers = /^(?:[0-9]+\.)+[0-9]+(?:\/[0-9]*)?$/u.test(text) || text.includes(':');
  if (isNumbers && !state.pods.has(text) && !state.pods.has(`${namespace}/${text}`))
    throw unknown(`'${text}' is neither an IP address nor a block of them`);
  if (parts.length === 1) return findPod(`${namespace}/${first}`, state);
  if (parts.length === 2 && first === 'node') return findNode(second, state);
  if (parts.length === 2) {
    const kind = KINDS[first];
    // A namespace may be called like a kind: what exists under the plain reading wins.
    return kind === undefined || state.pods.has(text)
      ? findPod(text, state)
      : findOfKind(kind, namespace, second, state);
  }
  const kind = KINDS[second.toLowerCase()];
  if (kind === undefined && /^ing(ress|resses)?$/iu.test(second))
    throw unknown(`'${text}': only 'sluice why' follows requests through an Ingress, as where they go`);
  if (kind === undefined) throw unknown(`'${text}' is not ${PLACE_FORMS}`);
  return findOfKind(kind, first, third, state);
}

/** The families in which a place has an address, IPv4 first; both for pods of which no address is known. */
export function familiesOf(place: Place): readonly Family[] {
  switch (place.kind) {
    case 'pods':
    case 'service':
      return families(place.pods.flatMap(({ addresses }) => addresses));
    case 'node':
      return families(place.node.addresses);
    case 'address':
      return [place.ip.family];
    case 'block':
      return [place.cidr.ip.family];
    case 'domain':
      return families(place.addresses);
    case 'outside':
      return [4, 6];
  }
}

/** What a place is called in messages. */
export function describePlace(place: Place): string {
  switch (place.kind) {
    case 'pods':
      return place.title;
    case 'service':
      return `${place.service.namespace}/service/${place.service.name}`;
    case 'node':
      return `node/${place.node.name}`;
    case 'address':
      return formatIp(place.ip);
    case 'block':
      return formatCidr(place.cidr);
    case 'domain':
      return `domain/${place.name}`;
    case 'outside':
      return 'outside';
  }
}

function findOfKind(kind: string, namespace: string, name: string, state: ClusterState): Place {
  if (kind === 'pod') return findPod(`${namespace}/${name}`, state);
  if (kind === 'service') return findService(`${namespace}/${name}`, state);
  const title = `${namespace}/${kind.toLowerCase()}/${name}`;
  const isOf = ({ workload }: PodEndpoint) => workload?.kind === kind && workload.name === name;
  const pods = [...state.pods.values()].filter((pod) => pod.namespace === namespace && isOf(pod) && !pod.completed);
  if (pods.length > 0) return { kind: 'pods', title, pods: pods.sort(byKey) };
  const known = [...state.pods.values()].flatMap((pod) =>
    pod.workload === undefined ? [] : [`${pod.namespace}/${pod.workload.kind.toLowerCase()}/${pod.workload.name}`],
  );
  throw unknown(`there is no pod of ${title}${hint(title, new Set(known))}`);
}

function findPod(key: string, state: ClusterState): Place {
  const pod = state.pods.get(key);
  if (pod !== undefined) {
    if (pod.completed) throw unknown(`pod ${key} has completed: it has no address any more`);
    return { kind: 'pods', title: key, pods: [pod] };
  }
  const name = key.slice(key.indexOf('/') + 1);
  const elsewhere = [...state.pods.values()].find((each) => each.name === name);
  if (elsewhere !== undefined) throw unknown(`there is no pod ${key}; did you mean ${elsewhere.key}?`);
  const workload = [...state.pods.values()].find(
    (each) => each.workload?.name === name && key === `${each.namespace}/${name}`,
  )?.workload;
  if (workload !== undefined) {
    const meant = key.replace('/', `/${workload.kind.toLowerCase()}/`);
    throw unknown(`there is no pod ${key}; did you mean ${meant}?`);
  }
  throw unknown(`there is no pod ${key}${hint(key, state.pods.keys()) || inventory(state)}`);
}

/** Some pods that there are, when none is called like what was asked for. */
function inventory({ pods }: ClusterState): string {
  const names = [...pods.keys()].sort();
  if (names.length === 0) return '; there are no pods at all, nor workloads that would make some';
  const more = names.length - 5;
  return `; there ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, 5).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function findLabelled(text: string, state: ClusterState): Place {
  const scoped = /^([a-z0-9-]+)\/(.*)$/su.exec(text);
  // `a/b=c` is namespace a; a label key with a slash has a dot before it, as in `example.com/role=db`.
  const [namespace, query] = scoped === null ? [undefined, text] : [scoped[1]!, scoped[2]!];
  const parsed = parseLabelQuery(query);
  if ('problem' in parsed) throw unknown(`'${text}': ${parsed.problem}`);
  const pods = [...state.pods.values()].filter(
    (pod) =>
      !pod.completed &&
      !pod.hostNetwork &&
      (namespace === undefined || pod.namespace === namespace) &&
      matchesLabels(parsed.selector, pod.labels),
  );
  if (pods.length === 0) throw unknown(`no pod matches '${text}'${inventory(state)}`);
  return { kind: 'pods', title: text, pods: pods.sort(byKey) };
}

function findService(key: string, state: ClusterState): Place {
  const service = state.services.get(key);
  if (service === undefined) throw unknown(`there is no service ${key}${hint(key, state.services.keys())}`);
  const selector = parseLabelMap(service.selector);
  const pods = [...state.pods.values()].filter(
    (pod) => pod.namespace === service.namespace && !pod.completed && matchesLabels(selector, pod.labels),
  );
  return { kind: 'service', service, pods: pods.sort(byKey) };
}

function findNode(name: string, state: ClusterState): Place {
  const node = state.nodes.get(name);
  if (node !== undefined) return { kind: 'node', node };
  const known = state.nodes.size === 0 ? 'there are none' : `there are ${[...state.nodes.keys()].join(', ')}`;
  throw unknown(`there is no node ${name}; ${known}`);
}

function findDomain(text: string, state: ClusterState): Place {
  const name = text.toLowerCase().replace(/\.$/u, '');
  return { kind: 'domain', name, addresses: state.domains.get(name) ?? [] };
}

function hint(key: string, known: Iterable<string>): string {
  const near = suggest(key, [...known]);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

function byKey(a: PodEndpoint, b: PodEndpoint): number {
  return a.key < b.key ? -1 : 1;
}

function families(addresses: readonly Ip[]): readonly Family[] {
  if (addresses.length === 0) return [4, 6];
  return ([4, 6] as const).filter((family) => addresses.some((address) => address.family === family));
}

function unknown(message: string): SluiceError<'no-such-place'> {
  return new SluiceError('no-such-place', message);
}
