import type { LabStatus } from '../../app/lab/lab-types.ts';
import type { AgentStatus } from '../../app/agent/status.ts';
import { openCluster, readSnapshot, type ClusterAccess } from '../cluster.ts';
import type { Command } from '../command.ts';
import { KUBECONFIG, NAME, OUTPUT } from '../lab-options.ts';
import { readAddresses, statusReport, type StatusReport } from '../status-report.ts';
import { table } from '../table.ts';

/** `sluice status` */
export const command: Command = {
  meta: {
    description: 'Shows nodes, pods, address blocks and policies, and what each agent has programmed into its kernel.',
    examples: ['sluice status', 'sluice status -o json'],
  },
  args: { positionals: [], options: [NAME, KUBECONFIG, OUTPUT] },
  run: async (invocation) => {
    const { values, print } = invocation;
    using cluster = await openCluster(invocation);
    const [snapshot, addresses, lab] = await Promise.all([
      readSnapshot(cluster.client),
      readAddresses(cluster.client),
      cluster.lab?.request({ op: 'status' }),
    ]);
    const names = snapshot.nodes.map(({ metadata }) => metadata?.name ?? '');
    const agents = new Map(
      await Promise.all(names.map(async (node) => [node, await askAgent(cluster, node)] as const)),
    );
    const report = statusReport(snapshot, addresses, agents);
    if (values['output'] === 'json') print(JSON.stringify({ cluster: lab ?? null, ...report }, null, 2));
    else for (const section of sections(report, lab)) print(section);
    return 0;
  },
};

/** What the agent of a node says of itself, or why it cannot be asked. */
async function askAgent({ lab }: ClusterAccess, node: string): Promise<AgentStatus | string> {
  if (lab === undefined) return 'agents can only be asked on the machine that runs the cluster';
  try {
    return (await lab.request({ op: 'agent-status', node })) as AgentStatus;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function sections(report: StatusReport, lab: LabStatus | undefined): string[] {
  const head =
    lab === undefined
      ? []
      : [`Cluster '${lab.name}': ${lab.options.backend}, ${lab.options.ipFamily}, API server ${lab.server}`];
  return [
    ...head,
    '',
    nodes(report),
    '',
    pods(report),
    '',
    poolTable(report),
    '',
    blockTable(report),
    '',
    policies(report),
    ...problems(report),
  ];
}

function nodes(report: StatusReport): string {
  const rows = report.nodes.map(({ name, ready, addresses, pods: count, agent }) => {
    const programmed =
      typeof agent === 'string'
        ? [`no answer: ${agent}`, '-', '-', '-']
        : [
            agent.ready ? 'ready' : `not ready: ${agent.reason}`,
            String(agent.endpoints.length),
            String(agent.cluster.policies),
            `${Math.round(agent.residentBytes / 1_048_576)} MB`,
          ];
    return [name, ready ? 'Ready' : 'NotReady', addresses.join(','), String(count), ...programmed];
  });
  return table(['NODE', 'STATUS', 'ADDRESS', 'PODS', 'AGENT', 'ENDPOINTS', 'POLICIES', 'MEMORY'], rows);
}

function pods(report: StatusReport): string {
  if (report.pods.length === 0) return 'No pods.';
  const rows = report.pods.map(({ name, phase, ready, node, addresses, programmed, ingress, egress }) => [
    name,
    ready ? phase : `${phase}, not ready`,
    node ?? '-',
    addresses.join(',') || '-',
    programmed,
    ingress.length === 0 ? 'open' : ingress.join(','),
    egress.length === 0 ? 'open' : egress.join(','),
  ]);
  return table(['POD', 'STATUS', 'NODE', 'ADDRESS', 'PROGRAMMED', 'INGRESS', 'EGRESS'], rows);
}

function poolTable(report: StatusReport): string {
  if (report.pools.length === 0) return 'No address pools.';
  const rows = report.pools.map(({ name, cidr, disabled, used, size, blocks }) => [
    disabled ? `${name} (disabled)` : name,
    cidr,
    `${used} of ${size}`,
    String(blocks),
  ]);
  return table(['POOL', 'CIDR', 'ADDRESSES HELD', 'BLOCKS'], rows);
}

function blockTable(report: StatusReport): string {
  if (report.blocks.length === 0) return 'No address blocks.';
  const rows = report.blocks.map(({ cidr, node, used, size }) => [cidr, node ?? '-', `${used} of ${size}`]);
  return table(['BLOCK', 'NODE', 'ADDRESSES HELD'], rows);
}

function policies(report: StatusReport): string {
  if (report.policies.length === 0) return 'No policies: every pod is open in both directions.';
  const rows = report.policies.map(({ name, directions, selects, programmedOn }) => [
    name,
    directions.join(',') || '-',
    `${selects.length} pods`,
    programmedOn.join(',') || '-',
  ]);
  return table(['POLICY', 'DIRECTIONS', 'SELECTS', 'PROGRAMMED ON'], rows);
}

function problems(report: StatusReport): string[] {
  if (report.problems.length === 0) return [];
  return ['', 'Problems:', ...report.problems.map((problem) => `  ${problem}`)];
}
