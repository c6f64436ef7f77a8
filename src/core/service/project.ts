import { equalIp, parseCidr, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { EndpointSlice, Service } from '../kube/types.ts';
import type { ServiceProtocol, ServiceSpec, SliceEndpoint, SliceSpec } from './model.ts';

/** What the API server fills in for sessionAffinity ClientIP (core/v1 DefaultClientIPServiceAffinitySeconds). */
const AFFINITY_SECONDS = 10_800;

/** What of a Service matters here; ExternalName and headless Services come out without addresses. */
export function serviceSpec(service: Service): ServiceSpec {
  const { spec, status } = service;
  const clusterIps = spec?.type === 'ExternalName' ? [] : addresses([spec?.clusterIP, ...(spec?.clusterIPs ?? [])]);
  const ingress = (status?.loadBalancer?.ingress ?? []).filter(({ ipMode }) => ipMode !== 'Proxy');
  const balanced = addresses(ingress.map((each) => each.ip));
  const external = addresses(spec?.externalIPs ?? []).filter((ip) => !balanced.some((each) => equalIp(each, ip)));
  const hasNodePorts = spec?.type === 'NodePort' || spec?.type === 'LoadBalancer';
  return {
    key: `${service.metadata?.namespace ?? 'default'}/${service.metadata?.name ?? ''}`,
    addresses: clusterIps.length === 0 ? [] : [...clusterIps, ...external, ...balanced],
    clusterIps,
    ...(balanced.length === 0 ? {} : { balanced }),
    ...guardOf(spec?.loadBalancerSourceRanges ?? [], balanced),
    ports: (spec?.ports ?? []).flatMap(({ name, protocol: text, port, nodePort }) => {
      const protocol = protocolOf(text);
      if (protocol === undefined) return [];
      const onNode = hasNodePorts && nodePort !== undefined && nodePort > 0;
      return [{ name: name ?? '', protocol, port, ...(onNode ? { nodePort } : {}) }];
    }),
    internalLocal: spec?.internalTrafficPolicy === 'Local',
    externalLocal: spec?.externalTrafficPolicy === 'Local',
    ...(spec?.sessionAffinity === 'ClientIP'
      ? { affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS }
      : {}),
    ...healthPortOf(service),
  };
}

/** Only load balancers ask, and only where it matters which node they choose. */
function healthPortOf({ spec }: Service): Pick<ServiceSpec, 'healthPort'> {
  const { type, externalTrafficPolicy, healthCheckNodePort = 0 } = spec ?? {};
  const asked = type === 'LoadBalancer' && externalTrafficPolicy === 'Local' && healthCheckNodePort > 0;
  return asked ? { healthPort: healthCheckNodePort } : {};
}

/** Ranges that cannot be read let nobody in; a list without any of a family closes the addresses of that family. */
function guardOf(ranges: readonly string[], balanced: readonly Ip[]): Pick<ServiceSpec, 'guarded'> {
  if (ranges.length === 0 || balanced.length === 0) return {};
  return { guarded: { addresses: balanced, sources: ranges.flatMap((text) => parseCidr(text.trim()) ?? []) } };
}

/** What of an EndpointSlice matters here; undefined when it belongs to no Service. */
export function sliceSpec(slice: EndpointSlice): SliceSpec | undefined {
  const namespace = slice.metadata?.namespace ?? 'default';
  const service = slice.metadata?.labels?.['kubernetes.io/service-name'];
  if (service === undefined || service === '') return undefined;
  const idle = (slice.endpoints ?? []).filter((each) => !receives(each)).flatMap((each) => addresses(each.addresses));
  return {
    key: `${namespace}/${slice.metadata?.name ?? ''}`,
    service: `${namespace}/${service}`,
    ports: (slice.ports ?? []).flatMap(({ name, protocol: text, port }) => {
      const protocol = protocolOf(text);
      return protocol === undefined || port === undefined ? [] : [{ name: name ?? '', protocol, port }];
    }),
    endpoints: (slice.endpoints ?? []).filter(receives).flatMap((endpoint) => {
      const { addresses: texts, conditions, nodeName } = endpoint;
      const node = nodeName === undefined ? {} : { node: nodeName };
      const common = { ready: conditions?.ready ?? true, ...node, ...hintsOf(endpoint) };
      return addresses(texts).map((address) => ({ address, ...common }));
    }),
    ...(idle.length === 0 ? {} : { idle }),
  };
}

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number] & {
  /** Newer than the types at hand: Kubernetes 1.33. */
  readonly hints?: { readonly forNodes?: readonly { readonly name: string }[] };
};

/** Whom the endpoint is meant for, as the controller that made the slice says. */
function hintsOf({ hints }: Endpoint): Pick<SliceEndpoint, 'zones' | 'nodes'> {
  const zones = (hints?.forZones ?? []).map(({ name }) => name);
  const nodes = (hints?.forNodes ?? []).map(({ name }) => name);
  return { ...(zones.length === 0 ? {} : { zones }), ...(nodes.length === 0 ? {} : { nodes }) };
}

/** Unknown readiness counts as ready, unknown serving as readiness (discovery/v1 EndpointConditions). */
function receives({ conditions }: Endpoint): boolean {
  return (conditions?.ready ?? true) || (conditions?.serving === true && conditions.terminating === true);
}

function protocolOf(text: string | undefined): ServiceProtocol | undefined {
  const protocol = text ?? 'TCP';
  return protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP' ? protocol : undefined;
}

function addresses(texts: readonly (string | undefined)[]): Ip[] {
  const found: Ip[] = [];
  for (const text of texts) {
    const ip = text === undefined ? undefined : parseIp(text);
    if (ip !== undefined && !found.some((each) => equalIp(each, ip))) found.push(ip);
  }
  return found;
}
