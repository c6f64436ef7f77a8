import type { Service } from 'kubernetes-types/core/v1.d.ts';
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.d.ts';
import { NOTHING, type Action, type ClusterView, type Controller, type Outcome } from './controller.ts';
import { canonicalJson, sameJson, shortHash } from './equal.ts';
import { controllerReference, isTerminating, keyOf, type Stored } from './objects.ts';
import { addressOf, backendsOf, hasSelector, servicesOf, type Backend, type ResolvedPort } from './service-pods.ts';
import { dividedByZone, processorsByZone, topologyOf, zoneOf } from './zone-hints.ts';

const SERVICE_LABEL = 'kubernetes.io/service-name';
const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by';
const MANAGED_BY = 'endpointslice-controller.k8s.io';
/** Both names of the annotation, the newer one first (KEP-2433). */
const TOPOLOGY_MODE = ['service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints'] as const;
const HEADLESS_LABEL = 'service.kubernetes.io/headless';
/** Endpoints in one slice at most, the default of kube-controller-manager. */
const MAX_ENDPOINTS = 100;

type Family = 'IPv4' | 'IPv6';

/** Keeps the EndpointSlices of every Service that selects pods. */
export const endpointSliceController: Controller = {
  name: 'endpointslice',
  triggers: {
    nodes: (node, previous, view) =>
      previous !== undefined && topologyOf(previous) === topologyOf(node) ? [] : [...view.services.values()].map(keyOf),
    services: (service) => [keyOf(service)],
    pods: (pod, previous, view) => [
      ...servicesOf(pod, view),
      ...(previous === undefined || previous === pod ? [] : servicesOf(previous, view)),
    ],
    endpointslices: (slice) => {
      const service = slice.metadata.labels?.[SERVICE_LABEL];
      return service === undefined || !isOurs(slice) ? [] : [`${slice.metadata.namespace}/${service}`];
    },
  },
  reconcile: reconcileEndpointSlices,
};

/** The writes that make one Service's slices equal to {@link desiredSlices}. */
export function reconcileEndpointSlices(view: ClusterView, key: string): Outcome {
  const service = view.services.get(key);
  if (service === undefined || isTerminating(service) || !hasSelector(service)) return NOTHING;
  const existing = new Map(
    view.endpointslices
      .inNamespace(service.metadata.namespace ?? '')
      .filter((slice) => slice.metadata.labels?.[SERVICE_LABEL] === service.metadata.name && isOurs(slice))
      .map((slice) => [slice.metadata.name, slice]),
  );
  const actions: Action[] = [];
  const topology: Topology = {
    zone: (node) => zoneOf(view.nodes.get(node)),
    processors: isDivided(service) ? processorsByZone(view.nodes.values()) : undefined,
  };
  for (const slice of desiredSlices(service, backendsOf(service, view), topology)) {
    const held = existing.get(slice.metadata?.name ?? '');
    existing.delete(slice.metadata?.name ?? '');
    if (held === undefined) actions.push({ do: 'create', kind: 'endpointslices', object: slice });
    else if (!sameContent(held, slice)) {
      const object = { ...slice, metadata: { ...held.metadata, labels: slice.metadata?.labels ?? {} } };
      actions.push({ do: 'update', kind: 'endpointslices', object });
    }
  }
  const stale = [...existing.values()].filter((slice) => !isTerminating(slice));
  return {
    actions: [...actions, ...stale.map((object): Action => ({ do: 'delete', kind: 'endpointslices', object }))],
  };
}

/**
 * The slices of a Service: for each of its families, backends that serve the same ports share slices of at most 100
 * endpoints. A family without any backend has one empty slice. Names follow from the content, so they are stable.
 */
export function desiredSlices(
  service: Stored<Service>,
  backends: readonly Backend[],
  topology: Topology,
): EndpointSlice[] {
  return familiesOf(service, backends).flatMap((family) => {
    const hints = hintsOf(
      service,
      backends.filter((each) => each.ready && addressOf(each, family) !== undefined),
      topology,
    );
    const groups = new Map<string, Backend[]>();
    for (const backend of backends) {
      if (addressOf(backend, family) === undefined) continue;
      const key = canonicalJson(backend.ports);
      groups.set(key, [...(groups.get(key) ?? []), backend]);
    }
    if (groups.size === 0) return [sliceOf(service, family, [], [], `${family.toLowerCase()}`, topology, hints)];
    return [...groups].flatMap(([ports, members]) =>
      chunks(members, MAX_ENDPOINTS).map((chunk, i) => {
        const suffix = shortHash(`${family}/${ports}/${i}`).slice(0, 5);
        return sliceOf(service, family, members[0]!.ports, chunk, suffix, topology, hints);
      }),
    );
  });
}

function sliceOf(
  service: Stored<Service>,
  family: Family,
  ports: readonly ResolvedPort[],
  members: readonly Backend[],
  suffix: string,
  topology: Topology,
  hints: Hints,
): EndpointSlice {
  const { name, namespace = 'default', labels } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${suffix}`,
      namespace,
      labels: {
        ...labels,
        [SERVICE_LABEL]: name,
        [MANAGED_BY_LABEL]: MANAGED_BY,
        ...(service.spec?.clusterIP === 'None' ? { [HEADLESS_LABEL]: '' } : {}),
      },
      ownerReferences: [controllerReference(service, 'services')],
    },
    addressType: family,
    ports: ports.map((port) => ({ ...port })),
    endpoints: members.map((backend) => ({
      ...endpoint(backend, service, addressOf(backend, family)!, topology),
      ...hints.get(backend),
    })),
  };
}

/** Without hints, which are for a ready one alone. */
function endpoint(
  { pod, ready, serving, terminating }: Backend,
  service: Service,
  address: string,
  topology: Topology,
): Endpoint {
  const { name, namespace, uid } = pod.metadata;
  const { hostname, subdomain, nodeName } = pod.spec ?? {};
  const named = hostname !== undefined && subdomain === service.metadata?.name;
  const zone = nodeName === undefined ? undefined : topology.zone(nodeName);
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(zone === undefined ? {} : { zone }),
    ...(named ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', name, uid, ...(namespace === undefined ? {} : { namespace }) },
  };
}

/** Where nodes are: the zone of each, and where a division by zones is asked for, the processors of all. */
export interface Topology {
  readonly zone: (node: string) => string | undefined;
  readonly processors: ReadonlyMap<string, number> | undefined;
}

type Hints = ReadonlyMap<Backend, Pick<Endpoint, 'hints'>>;

/** Whether the Service wants its endpoints divided between zones. */
function isDivided({ metadata }: Service): boolean {
  const mode = TOPOLOGY_MODE.map((name) => metadata?.annotations?.[name]).find((value) => value !== undefined);
  return mode === 'Auto' || mode === 'auto';
}

/** Whom each ready backend is meant for: by the topology mode, which comes first, or by the Service's trafficDistribution. */
function hintsOf(service: Service, ready: readonly Backend[], { zone, processors }: Topology): Hints {
  const places = ready.map((backend) => {
    const node = backend.pod.spec?.nodeName;
    return { backend, node, zone: node === undefined ? undefined : zone(node) };
  });
  if (!isDivided(service))
    return new Map(places.map((each) => [each.backend, distributed(service, each.zone, each.node)]));
  const divided = dividedByZone(
    places.map((each) => each.zone),
    processors,
  );
  return new Map(divided?.map((name, i) => [ready[i]!, { hints: { forZones: [{ name }] } }]));
}

/** Those in its zone, those on its node even. */
function distributed({ spec }: Service, zone: string | undefined, node: string | undefined): Pick<Endpoint, 'hints'> {
  const wanted = spec?.trafficDistribution;
  const isKnown = wanted === 'PreferClose' || wanted === 'PreferSameZone' || wanted === 'PreferSameNode';
  if (!isKnown) return {};
  const hints = {
    ...(zone === undefined ? {} : { forZones: [{ name: zone }] }),
    ...(wanted === 'PreferSameNode' && node !== undefined ? { forNodes: [{ name: node }] } : {}),
  };
  return Object.keys(hints).length === 0 ? {} : { hints };
}

/** The Service's own families; a headless Service without any takes what its pods have. */
function familiesOf(service: Service, backends: readonly Backend[]): Family[] {
  const declared = (service.spec?.ipFamilies ?? []) as Family[];
  if (declared.length > 0) return declared;
  const found = (['IPv4', 'IPv6'] as const).filter((family) =>
    backends.some((backend) => addressOf(backend, family) !== undefined),
  );
  return found.length > 0 ? found : ['IPv4'];
}

function sameContent(held: EndpointSlice, wanted: EndpointSlice): boolean {
  const content = ({ addressType, ports, endpoints, metadata }: EndpointSlice): unknown => [
    addressType,
    ports ?? [],
    endpoints ?? [],
    metadata?.labels,
  ];
  return sameJson(content(held), content(wanted));
}

function isOurs(slice: EndpointSlice): boolean {
  return slice.metadata?.labels?.[MANAGED_BY_LABEL] === MANAGED_BY;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
