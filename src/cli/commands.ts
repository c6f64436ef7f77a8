import type { CommandEntry } from './command.ts';

/** Every command, loaded when it is called. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'up', summary: 'start a cluster on this machine', load: () => import('./commands/up.ts') },
  { name: 'down', summary: 'stop a cluster and remove it', load: () => import('./commands/down.ts') },
  { name: 'demo', summary: 'watch a policy take effect, from nothing', load: () => import('./commands/demo.ts') },
  {
    name: 'probe',
    summary: 'try real connections between all pods and compare with the prediction',
    load: () => import('./commands/probe.ts'),
  },
  {
    name: 'convert',
    summary: 'bring manifests to current API versions, and Calico policies to Kubernetes ones',
    load: () => import('./commands/convert.ts'),
  },
  {
    name: 'lint',
    summary: 'find mistakes in manifests and policies before they are applied',
    load: () => import('./commands/lint.ts'),
  },
  {
    name: 'explain',
    summary: 'say in plain words what a policy does, and what it does not do',
    load: () => import('./commands/explain.ts'),
  },
  {
    name: 'check',
    summary: 'say whether a connection is allowed, from manifests or a running cluster',
    load: () => import('./commands/check.ts'),
  },
  {
    name: 'why',
    summary: 'explain what happens to a connection in a running cluster',
    load: () => import('./commands/why.ts'),
  },
  {
    name: 'diff',
    summary: 'compare what can talk before and after a change',
    load: () => import('./commands/diff.ts'),
  },
  { name: 'test', summary: 'run unit tests of policies', load: () => import('./commands/test.ts') },
  {
    name: 'reach',
    summary: 'list everything that can talk, on which ports',
    load: () => import('./commands/reach.ts'),
  },
  {
    name: 'generate',
    summary: 'make least-privilege policies from a list of connections',
    load: () => import('./commands/generate.ts'),
  },
  {
    name: 'service',
    summary: 'show a Service: its addresses, its endpoints, the way of a packet, and who may reach it',
    load: () => import('./commands/service.ts'),
  },
  {
    name: 'status',
    summary: 'show nodes, pods, address blocks, policies and what is programmed where',
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'ipam',
    summary: 'show, check and release addresses of pods',
    load: () => import('./commands/ipam.ts'),
  },
  { name: 'node', summary: "show nodes' BGP sessions and routes", load: () => import('./commands/node.ts') },
  {
    name: 'datastore',
    summary: 'move pools, address blocks and Calico policies between Kubernetes and etcd',
    load: () => import('./commands/datastore.ts'),
  },
  {
    name: 'migrate',
    summary: 'bring a cluster from Calico, Canal or flannel to Sluice, node by node',
    load: () => import('./commands/migrate.ts'),
  },
  {
    name: 'completion',
    summary: 'print a script that completes commands in your shell',
    load: () => import('./commands/completion.ts'),
  },
  { name: 'man', summary: 'print manual pages', load: () => import('./commands/man.ts') },
  { name: 'version', summary: 'print the version', load: () => import('./commands/version.ts') },
  {
    name: 'agent',
    summary: 'run the agent of a node (in the DaemonSet)',
    hidden: true,
    load: () => import('./commands/agent.ts'),
  },
  {
    name: 'controllers',
    summary: 'run the controllers (in the Deployment)',
    hidden: true,
    load: () => import('./commands/controllers.ts'),
  },
  {
    name: 'ingress',
    summary: 'run the ingress controller (in the DaemonSet)',
    hidden: true,
    load: () => import('./commands/ingress.ts'),
  },
  {
    name: 'install-cni',
    summary: 'put the CNI plugin and its configuration on the host (init container)',
    hidden: true,
    load: () => import('./commands/install-cni.ts'),
  },
  {
    name: 'remove-rules',
    summary: "remove what Calico has left in iptables (in the agent's container)",
    hidden: true,
    load: () => import('./commands/remove-rules.ts'),
  },
  {
    name: 'upgrade-ipam',
    summary: 'take over addresses that host-local gave out (init container)',
    hidden: true,
    load: () => import('./commands/upgrade-ipam.ts'),
  },
];
