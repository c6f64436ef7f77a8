import { formatIp, networkOf, parseCidr } from '../../base/ip/index.ts';
import {
  bootstrapRoles,
  bucketOf,
  create,
  internalWrite,
  serveCustomResource,
  update,
  type ApiContext,
  type ApiObject,
} from '../../core/objectstore/index.ts';

/** Where clients inside the cluster reach the API server itself. */
export interface Advertised {
  readonly addresses: readonly string[];
  readonly port: number;
}

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** Creates what every cluster begins with and is missing, and serves the custom resources that are stored. */
export function bootstrap(context: ApiContext, advertised: Advertised): void {
  for (const { object } of context.store.list('apiextensions.k8s.io/customresourcedefinitions')) {
    serveCustomResource(object, context);
  }
  for (const name of NAMESPACES) ensure(context, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const object of bootstrapRoles()) ensure(context, object);
  for (const object of kubernetesService(context, advertised)) ensure(context, object, true);
}

/** Addresses that the service `kubernetes` has: the first of each service CIDR. */
export function firstServiceAddresses(serviceCidrs: readonly string[]): string[] {
  return serviceCidrs.map((text) => {
    const { ip } = networkOf(parseCidr(text)!);
    return formatIp({ ...ip, value: ip.value + 1n });
  });
}

function kubernetesService({ settings }: ApiContext, { addresses, port }: Advertised): ApiObject[] {
  const [clusterIP] = firstServiceAddresses(settings.serviceCidrs);
  const metadata = (name: string, labels: Record<string, string>): ApiObject['metadata'] => ({
    name,
    namespace: 'default',
    labels,
  });
  const v6 = clusterIP!.includes(':');
  const usable = addresses.filter((each) => each.includes(':') === v6);
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata('kubernetes', labels),
      spec: { clusterIP, ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: metadata('kubernetes', { 'endpointslice.kubernetes.io/skip-mirror': 'true' }),
      subsets: [{ addresses: usable.map((ip) => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: metadata('kubernetes', { 'kubernetes.io/service-name': 'kubernetes' }),
      addressType: v6 ? 'IPv6' : 'IPv4',
      endpoints: usable.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    },
  ];
}

function ensure(context: ApiContext, object: ApiObject, refresh = false): void {
  const definition = context.registry.ofObject(object)!;
  const namespace = object.metadata.namespace ?? '';
  const name = object.metadata.name!;
  const stored = context.store.get(bucketOf(definition), namespace, name);
  if (stored === undefined) create(context, definition, namespace, object, internalWrite());
  else if (refresh && object.kind !== 'Service') {
    update(context, { definition, namespace, name }, object, 'main', internalWrite());
  }
}
