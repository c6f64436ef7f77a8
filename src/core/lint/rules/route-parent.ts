import { hostText } from '../../ingress/model.ts';
import { attach } from '../../gateway/attach.ts';
import { readHostname } from '../../gateway/hostname.ts';
import { readListeners } from '../../gateway/read-listeners.ts';
import type { ListenerReading } from '../../gateway/read-listeners.ts';
import { keyOf } from '../../gateway/types.ts';
import type { HttpRoute, ParentReference } from '../../gateway/types.ts';
import { GATEWAY_GROUP } from '../../gateway/world.ts';
import { suggest } from '../../kube/suggest.ts';
import { gatewaysIn, routesIn } from '../gateway-objects.ts';
import type { LintCluster } from '../lint-cluster.ts';
import type { LintRule, Report } from '../model.ts';
import { listed } from '../policy-parts.ts';

type Listeners = ReadonlyMap<string, readonly ListenerReading[]>;

/** A Gateway that is not there is told of when the files hold others of its namespace, or one of its name elsewhere. */
export const routeParent: LintRule = {
  id: 'route-parent',
  severity: 'warning',
  summary: 'an HTTPRoute of a Gateway or listener that does not exist or does not take it',
  *check(cluster) {
    const listeners: Listeners = new Map(
      gatewaysIn(cluster).map(({ object }) => [keyOf(object), readListeners([object], NO_WORLD)]),
    );
    for (const { manifest, object } of routesIn(cluster))
      for (const [at, parent] of (object.spec?.parentRefs ?? []).entries()) {
        const only = { ...object, spec: { ...object.spec, parentRefs: [parent] } };
        const found = reportOf(cluster, only, listeners);
        if (found === undefined) continue;
        const { field, ...report } = found;
        yield { ...report, manifest, path: `spec.parentRefs[${at}]${field}` };
      }
  },
};

/** Listeners are looked at without their certificates: what routes they take does not depend on them. */
const NO_WORLD: Parameters<typeof readListeners>[1] = {
  classes: [],
  gateways: [],
  routes: [],
  grants: [],
  namespaces: new Map(),
  takenPorts: new Map(),
  services: new Map(),
  slices: new Map(),
  secrets: new Map(),
  inspectCertificate: () => ({ problem: '' }),
  rejected: new Map(),
};

/** What is to be said, and of which field of the parentRef. */
type Said = Pick<Report, 'message' | 'suggestion'> & { readonly field: string };

/** A route with one parent, and the listeners of the Gateway that this names. */
interface Question {
  readonly cluster: LintCluster;
  readonly route: HttpRoute;
  readonly parent: ParentReference;
  readonly gateway: string;
  readonly all: readonly ListenerReading[];
}

function reportOf(cluster: LintCluster, route: HttpRoute, listeners: Listeners): Said | undefined {
  const [parent = {}] = route.spec?.parentRefs ?? [];
  const own = route.metadata?.namespace ?? '';
  const { group = GATEWAY_GROUP, kind = 'Gateway', name, namespace = own } = parent;
  if (group !== GATEWAY_GROUP || kind !== 'Gateway' || name === undefined) return undefined;
  const gateway = `${namespace}/${name}`;
  const all = listeners.get(gateway);
  if (all === undefined) return missingGateway(cluster, keyOf(route), { name, namespace }, [...listeners.keys()]);
  const [attachment] = attach(route, listeners, new Map([[own, cluster.namespace(own).labels]]));
  return REFUSALS[attachment?.accepted.reason ?? '']?.({ cluster, route, parent, gateway, all });
}

/** By the reason that the route's condition would have. */
const REFUSALS: Readonly<Record<string, (question: Question) => Said | undefined>> = {
  NoMatchingParent: ({ parent: { sectionName, port }, gateway, all }) => {
    const near = suggest(
      sectionName ?? '',
      all.map(({ listener }) => listener.name),
    );
    const known = all.map(({ listener }) => `${listener.name} (${listener.port})`);
    return {
      field: sectionName === undefined ? '.port' : '.sectionName',
      message: (m) => m.noListener(gateway, sectionName ?? String(port), listed(m, known)),
      ...(near === undefined ? {} : { suggestion: near }),
    };
  },
  NotAllowedByListeners: ({ cluster, route, gateway, all }) => {
    const own = route.metadata?.namespace ?? '';
    // Whether a namespace that is not among the files has the labels cannot be known.
    const bySelector = all.some(({ listener }) => listener.allowedRoutes?.namespaces?.from === 'Selector');
    return bySelector && !cluster.declared.has(own)
      ? undefined
      : { field: '', message: (m) => m.listenersClosed(gateway, own) };
  },
  NoMatchingListenerHostname: ({ route, gateway, all }) => {
    const known = all.map(({ host }) => hostText(host));
    const readable = (route.spec?.hostnames ?? []).some((each) => readHostname(each) !== undefined);
    return readable ? { field: '', message: (m) => m.otherHostnames(gateway, listed(m, known)) } : undefined;
  },
};

function missingGateway(
  cluster: LintCluster,
  route: string,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  keys: readonly string[],
): Said | undefined {
  const split = keys.map((key) => key.split('/') as [string, string]);
  const here = split.filter(([each]) => each === namespace).map(([, each]) => each);
  const elsewhere = split.filter(([, each]) => each === name).map(([each]) => each);
  if (here.length === 0 && elsewhere.length === 0 && !cluster.isWhole) return undefined;
  const near = suggest(name, here);
  return {
    field: '.name',
    message: (m) => m.noGateway(route, name, namespace, listed(m, elsewhere)),
    ...(near === undefined ? {} : { suggestion: near }),
  };
}
