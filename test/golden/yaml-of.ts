import { stringify } from 'yaml';
import { formatIp } from '../../src/base/ip/index.ts';
import type { ClusterObjects } from '../../src/core/policy/index.ts';

/** Kinds of the lists whose objects need not say what they are. */
const KINDS = {
  namespaces: { apiVersion: 'v1', kind: 'Namespace' },
  nodes: { apiVersion: 'v1', kind: 'Node' },
  pods: { apiVersion: 'v1', kind: 'Pod' },
  services: { apiVersion: 'v1', kind: 'Service' },
  endpointSlices: { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' },
  serviceAccounts: { apiVersion: 'v1', kind: 'ServiceAccount' },
  networkPolicies: { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
  tiers: {},
  networkSets: {},
  ipPools: {},
  hostEndpoints: {},
  profiles: {},
  felixConfigurations: {},
  policies: {},
} as const;

/** The objects as a file that can be put into `found/`; what the DNS answered becomes comments. */
export function yamlOf(objects: ClusterObjects): string {
  const documents = Object.entries(KINDS).flatMap(([list, kind]) =>
    [...((objects[list as keyof typeof KINDS] ?? []) as Iterable<object>)].map((each) =>
      stringify({ ...kind, ...each }),
    ),
  );
  const answers = [...(objects.domains ?? [])].map(
    ([name, ips]) => `# domain ${name} ${ips.map(formatIp).join(' ')}\n`,
  );
  return answers.join('') + documents.join('---\n');
}
