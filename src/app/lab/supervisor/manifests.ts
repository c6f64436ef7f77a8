import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { SluiceError } from '../../../base/errors.ts';
import { BGP_KINDS } from '../../../core/kube/schemas/calico-bgp.ts';
import { POLICY_KINDS } from '../../../core/kube/schemas/catalogue.ts';
import { customResourceDefinition } from '../../../core/kube/schemas/custom-kind.ts';
import { GATEWAY_KINDS } from '../../../core/kube/schemas/gateway-api.ts';
import type { KubeObject } from '../../../host/kube-client/types.ts';
import type { LabOptions } from '../lab-types.ts';
import { ROUTER_AS } from '../universe/router-bird.ts';
import { UNDERLAY } from '../universe/topology.ts';
import { apiAddresses, dnsAddresses } from './addresses.ts';

/** One object of a manifest; what is read here is certain, the rest is the API server's business. */
export interface ManifestObject extends KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Everything that the lab installs into a new cluster, in the order in which it is to be created. */
export function labManifests(options: LabOptions, repository: string): readonly ManifestObject[] {
  const sluice = readManifest(join(repository, 'deploy/sluice.yaml'));
  const dns = readManifest(join(repository, 'src/app/lab/manifests/coredns.yaml'));
  return [
    ...['kube-node-lease', 'kube-public', 'kube-system'].map(namespace),
    endpointConfig(options),
    // What deploy/policy-apis.yaml says, without the reading of it.
    ...POLICY_KINDS.map((kind) => customResourceDefinition(kind) as ManifestObject),
    // The same of deploy/gateway-apis.yaml.
    ...GATEWAY_KINDS.map((kind) => customResourceDefinition(kind) as ManifestObject),
    ...readManifest(join(repository, 'deploy/gateway-class.yaml')),
    ...(options.backend === 'none' ? bgpObjects(options) : []),
    ...sluice.map((object) => (isConfig(object) ? withOptions(object, options) : object)),
    ...dns.map((object) => (object.kind === 'Service' ? withDnsAddress(object, options) : object)),
  ];
}

function readManifest(path: string): readonly ManifestObject[] {
  const documents = parseAllDocuments(readFileSync(path, 'utf8'));
  if ('empty' in documents) return [];
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new SluiceError('bad-manifest', `${path}: ${error.message}`);
    const object = document.toJS() as ManifestObject | null;
    return object === null ? [] : [object];
  });
}

function namespace(name: string): ManifestObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

/** Where agents find the API server before there are Services: the key names are those of the guides. */
function endpointConfig(options: LabOptions): ManifestObject {
  const [address = ''] = apiAddresses(options);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kubernetes-services-endpoint', namespace: 'kube-system' },
    data: { KUBERNETES_SERVICE_HOST: address, KUBERNETES_SERVICE_PORT: String(UNDERLAY.api.port) },
  } as ManifestObject;
}

/** BGP's kinds, and a session of every node with the router, without which segments would not hear of each other's pods. */
function bgpObjects({ podCidrs }: LabOptions): readonly ManifestObject[] {
  const peers = podCidrs.map((cidr) => {
    const family = cidr.includes(':') ? 'ipv6' : 'ipv4';
    return {
      apiVersion: 'projectcalico.org/v3',
      kind: 'BGPPeer',
      metadata: { name: `lab-router-${family}` },
      spec: { peerIP: UNDERLAY.api[family], asNumber: ROUTER_AS },
    } as ManifestObject;
  });
  return [...BGP_KINDS.map((kind) => customResourceDefinition(kind) as ManifestObject), ...peers];
}

function isConfig({ kind, metadata }: ManifestObject): boolean {
  return kind === 'ConfigMap' && metadata.name === 'sluice-config';
}

/** The backend, and the pools that the first agent is to make. */
function withOptions(object: ManifestObject, { backend, podCidrs }: LabOptions): ManifestObject {
  const { data } = object as ManifestObject & { readonly data: Readonly<Record<string, string>> };
  const pools = {
    ipv4_pool_cidr: podCidrs.find((cidr) => !cidr.includes(':')) ?? '',
    ipv6_pool_cidr: podCidrs.find((cidr) => cidr.includes(':')) ?? '',
  };
  // Pods that share the nodes' subnet share its addresses, too, and need no others outside.
  const shared =
    backend === 'macvlan'
      ? { ipv4_pool_block_size: '29', ipv4_pool_nat_outgoing: 'false', ipv6_pool_nat_outgoing: 'false' }
      : {};
  return { ...object, data: { ...data, calico_backend: backend, ...pools, ...shared } } as ManifestObject;
}

function withDnsAddress(object: ManifestObject, options: LabOptions): ManifestObject {
  const { spec } = object as ManifestObject & { readonly spec: object };
  const clusterIPs = dnsAddresses(options);
  const families = clusterIPs.map((address) => (address.includes(':') ? 'IPv6' : 'IPv4'));
  const ipFamilyPolicy = clusterIPs.length > 1 ? 'RequireDualStack' : 'SingleStack';
  return {
    ...object,
    spec: { ...spec, clusterIP: clusterIPs[0], clusterIPs, ipFamilies: families, ipFamilyPolicy },
  } as ManifestObject;
}
