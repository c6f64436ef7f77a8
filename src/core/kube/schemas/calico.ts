import type { CustomKind, PrinterColumn } from './custom-kind.ts';
import { choice, flag, intOrString, integer, labelSelector, list, number, object, text, textMap } from './open-api.ts';
import type { OpenApiSchema } from './open-api.ts';

// Fields, limits and meanings: github.com/projectcalico/api, pkg/apis/projectcalico/v3.

const selector = (description: string): OpenApiSchema => text(description, { maxLength: 1024 });
const name = (description: string): OpenApiSchema => text(description, { maxLength: 253 });
const nets = (description: string): OpenApiSchema => list(text(), description, { maxItems: 256 });
const ports = (description: string): OpenApiSchema => list(intOrString(), description, { maxItems: 50 });
const types = list(
  choice(['Ingress', 'Egress']),
  'Directions that the policy applies to; by default those of its rules.',
  {
    minItems: 1,
    maxItems: 2,
  },
);

const icmp = (description: string): OpenApiSchema =>
  object({ type: integer(0, 254), code: integer(0, 255, 'Needs a type beside it.') }, description);

const entity = (description: string): OpenApiSchema =>
  object(
    {
      nets: nets('Blocks of addresses, one of which the end must be in.'),
      notNets: nets('Blocks of addresses, none of which the end may be in.'),
      selector: selector('Labels of endpoints and network sets, one of which the end must be.'),
      notSelector: selector('Labels of endpoints and network sets, none of which the end may be.'),
      namespaceSelector: selector('Labels of the namespace of the end; global() is what is in none.'),
      services: object(
        { name: name('Name of the Service.'), namespace: name("Its namespace; the policy's own by default.") },
        'A Service whose endpoints the end must be one of.',
      ),
      ports: ports('Ports: numbers, ranges such as "8080:8090", names. Need protocol in the rule.'),
      notPorts: ports('Ports that are left out.'),
      serviceAccounts: object(
        { names: list(text()), selector: text('Labels of the service account.') },
        'Service accounts, one of which the pod at that end must have.',
      ),
    },
    description,
  );

const rule = object(
  {
    action: choice(['Allow', 'Deny', 'Log', 'Pass'], 'Pass leaves the tier, Log goes on with the next rule.'),
    ipVersion: { ...integer(4, 6), enum: [4, 6] },
    protocol: intOrString('TCP, UDP, SCTP, ICMP, ICMPv6, UDPLite or a number from 1 to 255.'),
    notProtocol: intOrString('A protocol that is left out.'),
    icmp: icmp('Type and code of ICMP messages.'),
    notICMP: icmp('Type and code of ICMP messages that are left out.'),
    source: entity('The end that opens the connection.'),
    destination: entity('The end that is connected to.'),
    http: object(
      {
        methods: list(text(), undefined, { maxItems: 20 }),
        paths: list(object({ exact: text(), prefix: text() }), undefined, { maxItems: 20 }),
      },
      'Not enforced: a rule with it allows nothing.',
    ),
    metadata: object({ annotations: textMap() }),
  },
  undefined,
  { required: ['action'] },
);
const rules = (description: string): OpenApiSchema => list(rule, description, { maxItems: 1024 });

const policyFields = {
  tier: text('Tier of the policy; default by default.', { default: 'default' }),
  order: number('Place in the tier, lowest first; without it the policy is among the last.'),
  selector: selector('Labels of the endpoints that the policy applies to; all by default.'),
  serviceAccountSelector: selector('Labels of the service accounts of the pods that the policy applies to.'),
  types,
  ingress: rules('Rules for connections to the endpoints, in order.'),
  egress: rules('Rules for connections from the endpoints, in order.'),
  performanceHints: list(text(), 'How to compute the policy; changes nothing that it does.'),
};
const globalFields = {
  ...policyFields,
  namespaceSelector: selector('Labels of the namespaces of the pods that the policy applies to.'),
  applyOnForward: flag('Also for what host endpoints forward.'),
  preDNAT: flag('For host endpoints, before Services are translated. Needs applyOnForward.'),
  doNotTrack: flag('For host endpoints, before connections are tracked. Needs applyOnForward.'),
};
const staged = {
  stagedAction: choice(['Set', 'Delete', 'Learn', 'Ignore'], 'What the policy would do if it were in force.'),
};
const kubernetesPort = object({
  protocol: choice(['TCP', 'UDP', 'SCTP']),
  port: intOrString(),
  endPort: integer(1, 65535),
});
const kubernetesPeer = object({
  podSelector: labelSelector(),
  namespaceSelector: labelSelector(),
  ipBlock: object({ cidr: text(), except: list(text()) }, undefined, { required: ['cidr'] }),
});
const kubernetesRules = (side: 'from' | 'to'): OpenApiSchema =>
  list(object({ [side]: list(kubernetesPeer), ports: list(kubernetesPort) }));

const profileFields = {
  ingress: rules('Rules for what every tier has passed on.'),
  egress: rules('Rules for what every tier has passed on.'),
  labelsToApply: textMap('Labels that endpoints with the profile get.'),
};
const networkSetFields = { nets: list(text(), 'Blocks of addresses, or addresses.') };
const failsafe = (description: string): OpenApiSchema =>
  list(
    object({ protocol: text(), port: integer(1, 65535), net: text() }, undefined, { required: ['port'] }),
    description,
  );

const TIER: PrinterColumn = { name: 'Tier', type: 'string', jsonPath: '.spec.tier' };
const ORDER: PrinterColumn = { name: 'Order', type: 'number', jsonPath: '.spec.order' };

type Row = Pick<CustomKind, 'kind' | 'plural' | 'scope' | 'description' | 'spec'> & Partial<CustomKind>;

const ROWS: readonly Row[] = [
  {
    kind: 'NetworkPolicy',
    plural: 'networkpolicies',
    // Calico's own short name, cnp, is that of ClusterNetworkPolicy here.
    shortNames: ['caliconetworkpolicy'],
    scope: 'Namespaced',
    description: 'Rules for pods of one namespace.',
    columns: [TIER, ORDER],
    spec: object(policyFields),
  },
  {
    kind: 'GlobalNetworkPolicy',
    plural: 'globalnetworkpolicies',
    shortNames: ['gnp', 'cgnp'],
    scope: 'Cluster',
    description: 'Rules for pods of any namespace and for host endpoints.',
    columns: [TIER, ORDER],
    spec: object(globalFields),
  },
  {
    kind: 'StagedNetworkPolicy',
    plural: 'stagednetworkpolicies',
    shortNames: ['snp'],
    scope: 'Namespaced',
    description: 'A NetworkPolicy that is not in force yet.',
    columns: [TIER, ORDER],
    spec: object({ ...staged, ...policyFields }),
  },
  {
    kind: 'StagedGlobalNetworkPolicy',
    plural: 'stagedglobalnetworkpolicies',
    shortNames: ['sgnp'],
    scope: 'Cluster',
    description: 'A GlobalNetworkPolicy that is not in force yet.',
    columns: [TIER, ORDER],
    spec: object({ ...staged, ...globalFields }),
  },
  {
    kind: 'StagedKubernetesNetworkPolicy',
    plural: 'stagedkubernetesnetworkpolicies',
    shortNames: ['sknp'],
    scope: 'Namespaced',
    description: 'A NetworkPolicy of Kubernetes that is not in force yet.',
    spec: object({
      ...staged,
      podSelector: labelSelector(),
      policyTypes: types,
      ingress: kubernetesRules('from'),
      egress: kubernetesRules('to'),
    }),
  },
  {
    kind: 'Tier',
    plural: 'tiers',
    scope: 'Cluster',
    description: 'Policies that are judged together, before those of later tiers.',
    columns: [ORDER, { name: 'Default', type: 'string', jsonPath: '.spec.defaultAction' }],
    spec: object({
      order: number('Place of the tier, lowest first; without it the tier is among the last.'),
      defaultAction: choice(
        ['Deny', 'Pass'],
        'What happens when policies of the tier apply and no rule matches; Deny by default.',
      ),
    }),
  },
  {
    kind: 'NetworkSet',
    plural: 'networksets',
    shortNames: ['netsets'],
    scope: 'Namespaced',
    description: 'Addresses that selectors choose by the labels of the set.',
    spec: object(networkSetFields),
  },
  {
    kind: 'GlobalNetworkSet',
    plural: 'globalnetworksets',
    shortNames: ['gns'],
    scope: 'Cluster',
    description: 'Addresses that selectors choose by the labels of the set, in no namespace.',
    spec: object(networkSetFields),
  },
  {
    kind: 'HostEndpoint',
    plural: 'hostendpoints',
    shortNames: ['hep', 'heps'],
    scope: 'Cluster',
    description: 'An interface of a node, or all of them, that policies apply to.',
    columns: [
      { name: 'Node', type: 'string', jsonPath: '.spec.node' },
      { name: 'Interface', type: 'string', jsonPath: '.spec.interfaceName' },
    ],
    spec: object({
      node: name('Name of the node.'),
      interfaceName: text('Name of the interface, or * for all.'),
      expectedIPs: list(text(), 'Addresses of the endpoint, by which it is found when it has no interface name.'),
      profiles: list(text(), 'Profiles for what every tier has passed on, in order.'),
      ports: list(
        object({ name: text(), protocol: intOrString(), port: integer(1, 65535) }, undefined, {
          required: ['name', 'protocol', 'port'],
        }),
        'Ports with names that rules may ask for.',
      ),
    }),
  },
  {
    kind: 'Profile',
    plural: 'profiles',
    scope: 'Cluster',
    description: 'Rules for what every tier has passed on.',
    spec: object(profileFields),
  },
  {
    kind: 'FelixConfiguration',
    plural: 'felixconfigurations',
    shortNames: ['felixconfig', 'felixconfigs'],
    scope: 'Cluster',
    description: 'Settings of policy and tunnels; only the one named default counts, and only some fields of it.',
    spec: object(
      {
        defaultEndpointToHostAction: text('Drop, Accept or Return: what becomes of pods reaching their own node.'),
        failsafeInboundHostPorts: failsafe('Ports of nodes that host endpoints cannot close.'),
        failsafeOutboundHostPorts: failsafe('Ports that nodes can reach whatever their host endpoints say.'),
        vxlanVNI: integer(1, 16777215, 'Network identifier of VXLAN; 4096 by default.'),
        vxlanPort: integer(1, 65535, 'UDP port of VXLAN; 4789 by default.'),
        vxlanMTU: integer(0, 65535, 'MTU of VXLAN over IPv4; 0, the default: 50 bytes less than the network has.'),
        vxlanMTUV6: integer(0, 65535, 'The same over IPv6; 70 bytes less.'),
        programClusterRoutes: text('EnabledIPIPOnly is what is done, or Disabled; others are reported.'),
        ipipMTU: integer(0, 65535, 'MTU of IP-in-IP; 0, the default: 20 bytes less than the network has.'),
        wireguardEnabled: flag('Encrypt what IPv4 pods send to pods of other nodes.'),
        wireguardEnabledV6: flag('The same for IPv6.'),
        wireguardListeningPort: integer(1, 65535, 'UDP port of WireGuard between IPv4 addresses; 51820 by default.'),
        wireguardListeningPortV6: integer(1, 65535, 'The same between IPv6 addresses; 51821 by default.'),
        wireguardMTU: integer(
          0,
          65535,
          'MTU of what is encrypted; 0, the default: 60 bytes less than the network has.',
        ),
        wireguardMTUV6: integer(0, 65535, 'The same for IPv6; 80 bytes less.'),
        wireguardRoutingRulePriority: integer(1, 32765, 'Priority of the routing rules of WireGuard; 99 by default.'),
        wireguardPersistentKeepAlive: text(
          'How often idle peers are sent something, such as 25s; 0 by default: never.',
        ),
      },
      undefined,
      { 'x-kubernetes-preserve-unknown-fields': true },
    ),
  },
];

const DEFAULTS = { shortNames: [], columns: [], hasStatus: false, specRequired: false };

/** Calico's kinds that are about policy, in the group that Calico serves and in the one that it stores them in. */
export const CALICO_KINDS: readonly CustomKind[] = ROWS.flatMap((row) => [
  { ...DEFAULTS, ...row, group: 'projectcalico.org', versions: ['v3'] },
  // Short names belong to the group that people write.
  { ...DEFAULTS, ...row, group: 'crd.projectcalico.org', versions: ['v1'], shortNames: [] },
]);
