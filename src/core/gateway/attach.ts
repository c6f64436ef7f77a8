import type { HostMatch } from '../ingress/model.ts';
import { matchesLabels, parseSelector } from '../kube/labels.ts';
import { intersect, readHostname } from './hostname.ts';
import type { ListenerReading } from './read-listeners.ts';
import type { HttpRoute, ParentReference } from './types.ts';
import { fails, holds } from './verdict.ts';
import type { Verdict } from './verdict.ts';
import { GATEWAY_GROUP } from './world.ts';
import type { GatewayWorld } from './world.ts';

/** A listener that a route is at, and the hosts that both are for; `written` is what the route says. */
export interface Place {
  readonly listener: ListenerReading;
  readonly hosts: readonly { readonly host: HostMatch; readonly written: HostMatch }[];
}

/** What one of a route's parentRefs that names a Gateway of ours comes to. */
export interface Attachment {
  readonly parentRef: ParentReference;
  readonly places: readonly Place[];
  readonly accepted: Verdict;
}

/** Finds the listeners that a route is at; parents that are not ours do not count. */
export function attach(
  route: HttpRoute,
  listeners: ReadonlyMap<string, readonly ListenerReading[]>,
  namespaces: GatewayWorld['namespaces'],
): readonly Attachment[] {
  const own = route.metadata?.namespace ?? 'default';
  return (route.spec?.parentRefs ?? []).flatMap((parentRef) => {
    const { group = GATEWAY_GROUP, kind = 'Gateway', namespace = own, name = '' } = parentRef;
    const all = listeners.get(`${namespace}/${name}`);
    if (group !== GATEWAY_GROUP || kind !== 'Gateway' || all === undefined) return [];
    return [{ parentRef, ...attachTo(route, parentRef, all, namespaces) }];
  });
}

function attachTo(
  route: HttpRoute,
  { sectionName, port }: ParentReference,
  all: readonly ListenerReading[],
  namespaces: GatewayWorld['namespaces'],
): Omit<Attachment, 'parentRef'> {
  const refuse = (reason: string, message: string) => ({ places: [], accepted: fails('Accepted', reason, message) });
  const named = all.filter(
    ({ listener }) =>
      (sectionName === undefined || listener.name === sectionName) && (port === undefined || listener.port === port),
  );
  if (named.length === 0) return refuse('NoMatchingParent', 'the Gateway has no such listener');
  const own = route.metadata?.namespace ?? 'default';
  const open = named.filter(
    (each) => each.supportedKinds.length > 0 && allowsNamespace(each, own, namespaces.get(own) ?? {}),
  );
  if (open.length === 0)
    return refuse('NotAllowedByListeners', `no such listener takes an HTTPRoute of namespace ${own}`);
  const texts = route.spec?.hostnames ?? [];
  const hosts = (texts.length === 0 ? [undefined] : texts).flatMap((text) => readHostname(text) ?? []);
  const places = open.flatMap((listener) => {
    const common = hosts.flatMap((written) => {
      const host = intersect(listener.host, written);
      return host === undefined ? [] : [{ host, written }];
    });
    return common.length === 0 ? [] : [{ listener, hosts: common }];
  });
  if (places.length === 0) return refuse('NoMatchingListenerHostname', 'no such listener is for one of the hostnames');
  return { places, accepted: holds('Accepted') };
}

function allowsNamespace(
  { namespace, listener }: ListenerReading,
  own: string,
  labels: Readonly<Record<string, string>>,
): boolean {
  const { from = 'Same', selector } = listener.allowedRoutes?.namespaces ?? {};
  if (from === 'All') return true;
  if (from === 'Same') return own === namespace;
  if (from !== 'Selector') return false;
  const parsed = parseSelector(selector);
  return 'selector' in parsed && matchesLabels(parsed.selector, labels);
}
