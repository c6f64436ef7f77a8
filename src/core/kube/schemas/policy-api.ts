import type { CustomKind } from './custom-kind.ts';
import { choice, integer, labelSelector, list, object, text } from './open-api.ts';
import type { OpenApiSchema } from './open-api.ts';

// Fields and limits: sigs.k8s.io/network-policy-api, apis/v1alpha1 and apis/v1alpha2.

const port = (description?: string): OpenApiSchema => integer(1, 65535, description);
const range = object({ start: port(), end: port() }, 'Both ends belong to it.', { required: ['start', 'end'] });
const one = { minProperties: 1, maxProperties: 1 };
const some = (most: number) => ({ minItems: 1, maxItems: most });

const pods = (needed: readonly string[]): OpenApiSchema =>
  object(
    {
      namespaceSelector: labelSelector('Labels of the namespaces.'),
      podSelector: labelSelector('Labels of the pods.'),
    },
    'Pods with these labels in namespaces with those.',
    { required: needed },
  );
const anyPods = (needed: readonly string[]) => ({
  namespaces: labelSelector('All pods of the namespaces with these labels.'),
  pods: pods(needed),
});
const networks = list(text(), 'Blocks of addresses.', some(25));
/** Two labels or more, before them `*.` or not. */
const DOMAIN = '^(\\*\\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\\.)+[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\\.?$';
const domainNames = list(
  text(undefined, { pattern: DOMAIN }),
  'Names, or *. and a suffix; only in rules that accept.',
  some(25),
);
const nodes = labelSelector('Nodes with these labels, and their hostNetwork pods.');

const subject = (needed: readonly string[]): OpenApiSchema =>
  object(anyPods(needed), 'The pods that the policy applies to.', one);
const priority = integer(0, 1000, 'Policies with lower numbers come first.');
const ruleName = text('What the rule is called.', { maxLength: 100 });

interface Shape {
  readonly actions: readonly string[];
  readonly egressPeers: Readonly<Record<string, OpenApiSchema>>;
  readonly ports: Readonly<Record<string, OpenApiSchema>>;
  readonly needed: readonly string[];
  readonly rules: number;
}

function rules({ actions, egressPeers, ports, needed, rules: most }: Shape): Readonly<Record<string, OpenApiSchema>> {
  const rule = (side: 'from' | 'to', peers: Readonly<Record<string, OpenApiSchema>>): OpenApiSchema => {
    const peer = object(peers, undefined, one);
    const fields = {
      name: ruleName,
      action: choice(actions),
      [side]: list(peer, 'The other side.', some(25)),
      ...ports,
    };
    return list(object(fields, undefined, { required: ['action', side] }), 'In order.', { maxItems: most });
  };
  return {
    ingress: rule('from', anyPods(needed)),
    egress: rule('to', { ...anyPods(needed), ...egressPeers }),
  };
}

const adminPorts = {
  ports: list(
    object(
      {
        portNumber: object({ protocol: choice(['TCP', 'UDP', 'SCTP']), port: port() }, undefined, {
          required: ['port'],
        }),
        portRange: object({ protocol: choice(['TCP', 'UDP', 'SCTP']), start: port(), end: port() }, undefined, {
          required: ['start', 'end'],
        }),
        namedPort: text(),
      },
      undefined,
      one,
    ),
    'Destination ports; every protocol without it.',
    some(100),
  ),
};
const destination = object({ destinationPort: object({ number: port(), range }, undefined, one) }, undefined, {
  minProperties: 1,
});
const clusterPorts = {
  protocols: list(
    object({ tcp: destination, udp: destination, sctp: destination, destinationNamedPort: text() }, undefined, one),
    'Protocols and destination ports; every protocol without it.',
    some(25),
  ),
};

const BOTH = ['namespaceSelector', 'podSelector'];
const common = { group: 'policy.networking.k8s.io', scope: 'Cluster', hasStatus: true, specRequired: true } as const;

/** The cluster-wide policies of Kubernetes' network policy API. */
export const POLICY_API_KINDS: readonly CustomKind[] = [
  {
    ...common,
    kind: 'AdminNetworkPolicy',
    plural: 'adminnetworkpolicies',
    shortNames: ['anp'],
    versions: ['v1alpha1'],
    columns: [{ name: 'Priority', type: 'string', jsonPath: '.spec.priority' }],
    description: 'Rules that come before all NetworkPolicies.',
    spec: object(
      {
        priority,
        subject: subject(BOTH),
        ...rules({
          actions: ['Allow', 'Deny', 'Pass'],
          egressPeers: { nodes, networks, domainNames },
          ports: adminPorts,
          needed: BOTH,
          rules: 100,
        }),
      },
      undefined,
      { required: ['priority', 'subject'] },
    ),
  },
  {
    ...common,
    kind: 'BaselineAdminNetworkPolicy',
    plural: 'baselineadminnetworkpolicies',
    shortNames: ['banp'],
    versions: ['v1alpha1'],
    columns: [],
    description: 'Rules for what no NetworkPolicy applies to; the only one is named default.',
    spec: object(
      {
        subject: subject(BOTH),
        ...rules({
          actions: ['Allow', 'Deny'],
          egressPeers: { nodes, networks },
          ports: adminPorts,
          needed: BOTH,
          rules: 100,
        }),
      },
      undefined,
      { required: ['subject'] },
    ),
  },
  {
    ...common,
    kind: 'ClusterNetworkPolicy',
    plural: 'clusternetworkpolicies',
    shortNames: ['cnp'],
    versions: ['v1alpha2'],
    columns: [
      { name: 'Tier', type: 'string', jsonPath: '.spec.tier' },
      { name: 'Priority', type: 'string', jsonPath: '.spec.priority' },
    ],
    description: 'Rules that come before all NetworkPolicies, or after them.',
    spec: object(
      {
        tier: choice(['Admin', 'Baseline'], 'Before or after NetworkPolicies.'),
        priority,
        subject: subject(['podSelector']),
        ...rules({
          actions: ['Accept', 'Deny', 'Pass'],
          egressPeers: { nodes, networks, domainNames },
          ports: clusterPorts,
          needed: ['podSelector'],
          rules: 25,
        }),
      },
      undefined,
      { required: ['tier', 'priority', 'subject'] },
    ),
  },
];
