import { formatIp, parseIp } from '../../../base/ip/index.ts';
import type { DnsEndpoint, DnsPort, DnsService, DnsView } from './zone.ts';

/** A record of an answer; `name` is fully qualified, without the last dot. */
export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly name: string; readonly data: string }
  | { readonly type: 'CNAME' | 'PTR'; readonly name: string; readonly data: string }
  | { readonly type: 'TXT'; readonly name: string; readonly data: string }
  | {
      readonly type: 'SRV';
      readonly name: string;
      readonly data: {
        readonly priority: number;
        readonly weight: number;
        readonly port: number;
        readonly target: string;
      };
    };

/** An answer: `found` without records means that the name exists but has none of the wanted type. */
export interface DnsAnswer {
  readonly kind: 'found' | 'no-such-name';
  /** Whether the name lies in the cluster's zones. */
  readonly authoritative: boolean;
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** Most records of an answer that lead from name to name; real resolvers give up at about as many. */
const LONGEST_CHAIN = 8;

/**
 * Answers one question as the Kubernetes DNS specification 1.1.0 defines (kubernetes/dns docs/specification.md): A and
 * AAAA of Services and endpoints, SRV of named ports, PTR, pods' dashed names, CNAME of ExternalName Services together
 * with what is known of the name that they lead to.
 */
export function answer(view: DnsView, name: string, type: string): DnsAnswer {
  let result = answerName(view, name, type);
  if (type === 'CNAME') return result;
  // Programs ask for an address and look no further themselves: an answer must have what its last name stands for.
  while (result.answers.length < LONGEST_CHAIN) {
    const last = result.answers.at(-1);
    if (last?.type !== 'CNAME') break;
    const target = last.data.toLowerCase().replace(/\.$/, '');
    if (result.answers.some((record) => record.name.toLowerCase().replace(/\.$/, '') === target)) break;
    const next = answerName(view, last.data, type);
    if (next.answers.length === 0) break;
    result = { ...result, answers: [...result.answers, ...next.answers], additionals: next.additionals };
  }
  return result;
}

function answerName(view: DnsView, name: string, type: string): DnsAnswer {
  const lower = name.toLowerCase().replace(/\.$/, '');
  if (lower.endsWith('.in-addr.arpa') || lower.endsWith('.ip6.arpa')) return reverse(view, name, lower, type);
  const outside = view.outside[lower];
  if (outside !== undefined) return { ...found(addresses(name, outside, type)), authoritative: false };
  if (lower !== view.domain && !lower.endsWith(`.${view.domain}`)) return { ...NO_SUCH_NAME, authoritative: false };
  const labels = lower
    .slice(0, Math.max(0, lower.length - view.domain.length - 1))
    .split('.')
    .filter((label) => label !== '');
  return inZone(view, name, labels, type);
}

const found = (answers: readonly DnsRecord[], additionals: readonly DnsRecord[] = []): DnsAnswer => ({
  kind: 'found',
  authoritative: true,
  answers,
  additionals,
});

const NO_SUCH_NAME: DnsAnswer = { kind: 'no-such-name', authoritative: true, answers: [], additionals: [] };

/** `labels` are those before the cluster's domain, as they are read. */
function inZone(view: DnsView, name: string, labels: readonly string[], type: string): DnsAnswer {
  const [last, ...before] = [...labels].reverse();
  if (last === undefined) return found([]);
  if (last === 'dns-version' && before.length === 0)
    return found(type === 'TXT' ? [{ type: 'TXT', name, data: '1.1.0' }] : []);
  if (last !== 'svc' && last !== 'pod') return NO_SUCH_NAME;
  const [namespace, ...rest] = before;
  if (namespace === undefined) return found([]);
  if (!view.hasNamespace(namespace)) return NO_SUCH_NAME;
  if (rest.length === 0) return found([]);
  return last === 'pod' ? podName(name, rest, type) : serviceName(view, name, namespace, rest, type);
}

/** `10-244-1-7.<namespace>.pod`: the address that the name spells, as CoreDNS answers with `pods insecure`. */
function podName(name: string, rest: readonly string[], type: string): DnsAnswer {
  const [dashed = ''] = rest;
  const address = rest.length === 1 ? undashed(dashed) : undefined;
  return address === undefined ? NO_SUCH_NAME : found(addresses(name, [address], type));
}

/** `rest` is what precedes the namespace, innermost first: the Service, then an endpoint or `_protocol`, `_port`. */
function serviceName(view: DnsView, name: string, namespace: string, rest: readonly string[], type: string): DnsAnswer {
  const [serviceLabel = '', second, third] = rest;
  const service = view.service(namespace, serviceLabel);
  if (service === undefined) return NO_SUCH_NAME;
  if (rest.length === 1) return ofService(view, name, service, type);
  if (rest.length === 2 && second !== undefined && !second.startsWith('_'))
    return ofEndpoint(view, name, service, second, type);
  if (rest.length === 2 && (second === '_tcp' || second === '_udp' || second === '_sctp')) return found([]);
  if (rest.length === 3 && second?.startsWith('_') && third?.startsWith('_'))
    return ofPort(view, name, service, { protocol: second.slice(1).toUpperCase(), port: third.slice(1) }, type);
  return NO_SUCH_NAME;
}

function ofService(view: DnsView, name: string, service: DnsService, type: string): DnsAnswer {
  const { kind, target, namespace } = service;
  if (kind === 'external-name') return found([{ type: 'CNAME', name, data: target ?? '' }]);
  if (kind === 'cluster-ip') {
    if (type === 'SRV') return srv(view, name, service, () => true);
    return found(addresses(name, service.addresses, type));
  }
  const endpoints = view.endpoints(namespace, service.name);
  if (endpoints.length === 0) return NO_SUCH_NAME;
  if (type === 'SRV') return srv(view, name, service, () => true);
  return found(
    addresses(
      name,
      endpoints.map(({ address }) => address),
      type,
    ),
  );
}

function ofEndpoint(view: DnsView, name: string, service: DnsService, label: string, type: string): DnsAnswer {
  const matching = view
    .endpoints(service.namespace, service.name)
    .filter((endpoint) => endpointLabel(endpoint) === label);
  if (matching.length === 0) return NO_SUCH_NAME;
  return found(
    addresses(
      name,
      matching.map(({ address }) => address),
      type,
    ),
  );
}

function ofPort(
  view: DnsView,
  name: string,
  service: DnsService,
  wanted: { readonly protocol: string; readonly port: string },
  type: string,
): DnsAnswer {
  const fits = ({ name: port, protocol }: DnsPort): boolean => port === wanted.port && protocol === wanted.protocol;
  const known =
    service.ports.some(fits) || view.endpoints(service.namespace, service.name).some(({ ports }) => ports.some(fits));
  if (!known) return NO_SUCH_NAME;
  return type === 'SRV' ? srv(view, name, service, fits) : found([]);
}

function srv(view: DnsView, name: string, service: DnsService, fits: (port: DnsPort) => boolean): DnsAnswer {
  const host = `${service.name}.${service.namespace}.svc.${view.domain}`;
  const targets =
    service.kind === 'cluster-ip'
      ? service.ports.filter(fits).map(({ port }) => ({ port, target: host, at: service.addresses }))
      : view
          .endpoints(service.namespace, service.name)
          .flatMap((endpoint) =>
            endpoint.ports
              .filter(fits)
              .map(({ port }) => ({ port, target: `${endpointLabel(endpoint)}.${host}`, at: [endpoint.address] })),
          );
  const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)));
  const answers = targets.map(({ port, target }): DnsRecord => ({
    type: 'SRV',
    name,
    data: { priority: 0, weight, port, target },
  }));
  const hosts = new Map(targets.map(({ target, at }) => [target, at]));
  const additionals = [...hosts].flatMap(([target, at]) => [
    ...addresses(target, at, 'A'),
    ...addresses(target, at, 'AAAA'),
  ]);
  return found(answers, additionals);
}

function reverse(view: DnsView, name: string, lower: string, type: string): DnsAnswer {
  const address = reversedAddress(lower);
  if (address === undefined) return { ...NO_SUCH_NAME, authoritative: false };
  const service = view.serviceAt(address);
  const at = service === undefined ? view.endpointAt(address) : undefined;
  const target =
    service !== undefined
      ? hostOf(view, service)
      : at === undefined
        ? undefined
        : `${endpointLabel(at.endpoint)}.${hostOf(view, at.service)}`;
  if (target === undefined) return { ...NO_SUCH_NAME, authoritative: false };
  return found(type === 'PTR' ? [{ type: 'PTR', name, data: target }] : []);
}

function hostOf({ domain }: DnsView, { name, namespace }: DnsService): string {
  return `${name}.${namespace}.svc.${domain}`;
}

/** The first label of an endpoint's name: its hostname, or its address with dashes. */
function endpointLabel({ hostname, address }: DnsEndpoint): string {
  return hostname ?? address.replace(/[.:]/g, '-');
}

function addresses(name: string, list: readonly string[], type: string): readonly DnsRecord[] {
  if (type !== 'A' && type !== 'AAAA') return [];
  return list.filter((address) => address.includes(':') === (type === 'AAAA')).map((data) => ({ type, name, data }));
}

function undashed(label: string): string | undefined {
  const parts = label.split('-');
  if (parts.length === 4 && parts.every((part) => /^\d+$/.test(part))) return canonical(parts.join('.'));
  return canonical(parts.join(':'));
}

function canonical(text: string): string | undefined {
  const ip = parseIp(text);
  return ip === undefined ? undefined : formatIp(ip);
}

/** The address that a name below in-addr.arpa or ip6.arpa stands for (RFC 1035 §3.5, RFC 3596 §2.5). */
function reversedAddress(lower: string): string | undefined {
  const labels = lower.split('.').slice(0, -2).reverse();
  if (lower.endsWith('.in-addr.arpa')) return labels.length === 4 ? canonical(labels.join('.')) : undefined;
  if (labels.length !== 32) return undefined;
  return canonical((labels.join('').match(/.{4}/g) ?? []).join(':'));
}
