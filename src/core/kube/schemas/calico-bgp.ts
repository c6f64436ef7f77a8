import type { CustomKind } from './custom-kind.ts';
import { choice, flag, intOrString, integer, list, object, text } from './open-api.ts';
import type { OpenApiSchema } from './open-api.ts';

// Fields, limits and meanings: github.com/projectcalico/api, pkg/apis/projectcalico/v3.

const asNumber = (description: string): OpenApiSchema => intOrString(`${description} 64512, "64512" or "1.10".`);
const community = (description?: string): OpenApiSchema =>
  text(description, { pattern: '^\\d+:\\d+(:\\d+)?$', maxLength: 32 });
const duration = (description: string): OpenApiSchema => text(`${description} Such as 120s.`);
const blocks = (description: string): OpenApiSchema =>
  list(object({ cidr: text('A block of addresses.') }), description);
const password = (description: string): OpenApiSchema =>
  object(
    {
      secretKeyRef: object(
        { name: text('Name of the Secret.'), key: text('Its key.'), optional: flag('Without meaning.') },
        undefined,
        { required: ['key'] },
      ),
    },
    `${description} From a Secret in the agent's namespace.`,
  );

const configurationFields = {
  logSeverityScreen: choice(['Debug', 'Info', 'Warning', 'Error', 'Fatal'], "What BIRD's log has; Info by default."),
  nodeToNodeMeshEnabled: flag('Whether all nodes peer with each other; they do by default. Only in default.'),
  asNumber: asNumber('AS number of nodes that have none of their own; 64512 by default. Only in default.'),
  listenPort: integer(1, 65535, 'TCP port of BGP; 179 by default.'),
  bindMode: choice(['None', 'NodeIP'], "Listen on all of the node's addresses, or on the one that its peers know."),
  ignoredInterfaces: list(text(), 'Interfaces whose networks BIRD does not look at.'),
  serviceClusterIPs: blocks('Blocks of ClusterIPs to advertise.'),
  serviceExternalIPs: blocks('Blocks of external addresses of Services to advertise.'),
  serviceLoadBalancerIPs: blocks('Blocks of load balancer addresses to advertise.'),
  serviceLoadBalancerAggregation: choice(
    ['Enabled', 'Disabled'],
    'Advertise the blocks of load balancer addresses, or only the addresses in use.',
  ),
  communities: list(
    object({ name: text('What prefixAdvertisements call it.'), value: community('aa:nn or aa:nn:mm') }),
    'Names of communities.',
  ),
  prefixAdvertisements: list(
    object({ cidr: text('A block of addresses.'), communities: list(text(), 'Communities, or names of them.') }),
    'Communities that routes within a block carry.',
  ),
  nodeMeshPassword: password('Password of the mesh. Only in default.'),
  localWorkloadPeeringIPV4: text('Not supported: nodes have no sessions with pods.'),
  localWorkloadPeeringIPV6: text('Not supported: nodes have no sessions with pods.'),
  programClusterRoutes: text('EnabledNoEncapOnly is what is done, or Enabled; others are reported.'),
  nodeMeshMaxRestartTime: duration('How long nodes of the mesh keep the routes of one that restarts. Only in default.'),
};

const peerFields = {
  node: text('Name of the node that peers; all nodes by default.'),
  nodeSelector: text('Labels of the nodes that peer.'),
  peerIP: text('Address of the peer, with a port or not: 10.0.0.1, 10.0.0.1:179, [fd00::1]:179.'),
  asNumber: asNumber('AS number of the peer.'),
  localASNumber: asNumber('AS number that the node has towards the peer, when it is another than its own.'),
  peerSelector: text('Labels of nodes that are the peers, instead of peerIP and asNumber.'),
  reversePeering: choice(['Auto', 'Manual'], 'Whether nodes that are peers by this peer back by themselves.'),
  localWorkloadSelector: text('Not supported: a peer with it does not count.'),
  keepOriginalNextHop: flag('Pass routes on with their next hop, as nextHopMode Keep.'),
  nextHopMode: choice(['Auto', 'Self', 'Keep'], "The next hop of routes sent to the peer; Auto is BGP's own rule."),
  password: password('Password of the session.'),
  sourceAddress: choice(['UseNodeIP', 'None'], "Whether the session comes from the node's address or from any."),
  maxRestartTime: duration('How long the peer keeps routes while the node restarts.'),
  numAllowedLocalASNumbers: integer(0, 255, 'How often the own AS number may be in the path of a route that is taken.'),
  ttlSecurity: integer(0, 254, 'Hops to the peer; packets from farther away are ignored.'),
  reachableBy: text('Gateway by which the peer is reached.'),
  filters: list(text(), 'Names of BGPFilters; the first rule that matches decides.'),
  failureDetectionMode: choice(
    ['None', 'BFDIfDirectlyConnected'],
    'Whether a peer on a network of the node is watched by BFD.',
  ),
};

const action = choice(['Accept', 'Reject']);

function rules(bits: number, description: string): OpenApiSchema {
  const rule = {
    action,
    cidr: text('A block of addresses; needs matchOperator.'),
    matchOperator: choice(['Equal', 'NotEqual', 'In', 'NotIn'], 'How the route is to lie to cidr.'),
    prefixLength: object({ min: integer(0, bits), max: integer(0, bits) }, 'Lengths of prefixes within cidr.'),
    source: choice(['RemotePeers'], 'Only routes that were learnt from peers.'),
    interface: text('Outgoing interface of the route, or a pattern with *.'),
    peerType: choice(['eBGP', 'iBGP'], 'Only for peers of another AS, or of the same.'),
    communities: object({ values: list(community(), 'One community.', { minItems: 1, maxItems: 1 }) }),
    asPathPrefix: list(asNumber('AS number.'), 'AS numbers that the path begins with.'),
    priority: integer(1, 2_147_483_646, 'Metric of the route in the kernel.'),
    operations: list(
      object(
        {
          addCommunity: object({ value: community() }),
          prependASPath: object({ prefix: list(asNumber('AS number.'), undefined, { minItems: 1, maxItems: 10 }) }),
          setPriority: object({ value: integer(1, 2_147_483_646) }),
        },
        undefined,
        { minProperties: 1, maxProperties: 1 },
      ),
      'What is done to a route that is accepted, in order.',
      { maxItems: 10 },
    ),
  };
  return list(object(rule, undefined, { required: ['action'] }), description);
}

type Row = Pick<CustomKind, 'kind' | 'plural' | 'description' | 'spec'> & Partial<CustomKind>;

const ROWS: readonly Row[] = [
  {
    kind: 'BGPConfiguration',
    plural: 'bgpconfigurations',
    shortNames: ['bgpconfig', 'bgpconfigs'],
    description: 'How nodes speak BGP; default is for all, node.NAME for one.',
    spec: object(configurationFields),
  },
  {
    kind: 'BGPPeer',
    plural: 'bgppeers',
    description: 'Which nodes peer with whom.',
    columns: [
      { name: 'Peer', type: 'string', jsonPath: '.spec.peerIP' },
      { name: 'Node', type: 'string', jsonPath: '.spec.node' },
    ],
    spec: object(peerFields),
  },
  {
    kind: 'BGPFilter',
    plural: 'bgpfilters',
    description: 'Which routes pass between a node and its peers.',
    spec: object({
      importV4: rules(32, 'Rules for routes from peers, in order; what none matches is accepted.'),
      exportV4: rules(32, 'Rules for routes to peers, in order; what none matches is sent when it is of the cluster.'),
      importV6: rules(128, 'As importV4.'),
      exportV6: rules(128, 'As exportV4.'),
    }),
  },
];

const DEFAULTS = { scope: 'Cluster', shortNames: [], columns: [], hasStatus: false, specRequired: false } as const;

/** Calico's kinds that are about BGP, in the group that Calico serves and in the one that it stores them in. */
export const BGP_KINDS: readonly CustomKind[] = ROWS.flatMap((row) => [
  { ...DEFAULTS, ...row, group: 'projectcalico.org', versions: ['v3'] },
  // Short names belong to the group that people write.
  { ...DEFAULTS, ...row, group: 'crd.projectcalico.org', versions: ['v1'], shortNames: [] },
]);
