import { SluiceError } from '../../base/errors.ts';
import { formatIp } from '../../base/ip/index.ts';
import { explain, type PodEndpoint } from '../../core/policy/index.ts';
import { openCluster } from '../cluster.ts';
import type { Command, Values } from '../command.ts';
import { KUBECONFIG, NAME, OUTPUT } from '../lab-options.ts';
import { compareReachability, probeText, type Comparison } from '../reachability.ts';
import { reachabilityTable } from '../reachability-table.ts';

/** `sluice probe` */
export const command: Command = {
  meta: {
    description:
      'Opens real TCP, UDP and ICMP connections between every pair of running pods, to the ports that their containers declare\n' +
      'and to one that they do not, and compares what happened with what the policy engine predicts.\n' +
      'Exit code 0: they agree everywhere; 1: they disagree; 2: it could not be tried.',
    examples: ['sluice probe', 'sluice probe -n default', 'sluice probe -o json'],
  },
  args: {
    positionals: [],
    options: [
      {
        flags: '-n, --namespace <namespace>',
        description: 'only pods of this namespace; may be repeated',
        repeatable: true,
      },
      { flags: '--all', description: 'also from nodes to pods, and from pods to nodes and to a host outside' },
      OUTPUT,
      NAME,
      KUBECONFIG,
    ],
  },
  run: async (invocation) => {
    const { values, print } = invocation;
    using cluster = await openCluster(invocation);
    const { lab, client } = cluster;
    if (lab === undefined) {
      const message =
        'packets can only be sent in a cluster that this machine runs: leave out --kubeconfig, or use sluice why';
      throw new SluiceError('not-running', message);
    }
    const comparisons = await compareReachability(lab, client, {
      include: namespaceFilter(values),
      beyondPods: values['all'] === true,
    });
    const disagreements = comparisons.filter(({ agrees }) => !agrees);
    if (values['output'] === 'json') print(JSON.stringify(report(comparisons), null, 2));
    else {
      print(reachabilityTable(comparisons));
      print('');
      for (const each of disagreements) print(disagreement(each));
      print(summary(comparisons.length, disagreements.length));
    }
    return disagreements.length === 0 ? 0 : 1;
  },
};

function namespaceFilter(values: Values): (pod: PodEndpoint) => boolean {
  const wanted = values['namespace'] as readonly string[] | undefined;
  return wanted === undefined ? () => true : (pod) => wanted.includes(pod.namespace);
}

function summary(total: number, disagreements: number): string {
  if (total === 0) return 'Nothing to try: fewer than two running pods on the pod network.';
  if (disagreements === 0) return `${total} real connections tried, all as predicted.`;
  return `${total} real connections tried, ${disagreements} NOT as predicted.`;
}

function disagreement({ probe, predicted, observed }: Comparison): string {
  const seen =
    observed.verdict === 'error'
      ? `could not be tried (${observed.message ?? observed.evidence})`
      : `was ${observed.verdict} (${observed.evidence})`;
  const why = explain(predicted).map(({ depth, text }) => `    ${'  '.repeat(depth)}${text}`);
  return [`${probe.from.key} to ${probe.to.key} ${probeText(probe)} ${seen}, but:`, ...why].join('\n');
}

function report(comparisons: readonly Comparison[]): unknown {
  return {
    tried: comparisons.length,
    disagreements: comparisons.filter(({ agrees }) => !agrees).length,
    results: comparisons.map(({ probe, predicted, observed, agrees }) => ({
      from: probe.from.key,
      to: probe.to.key,
      protocol: probe.protocol,
      port: probe.port ?? null,
      address: formatIp(probe.address),
      predicted: predicted.allowed ? 'allowed' : 'denied',
      observed: observed.verdict,
      evidence: observed.evidence,
      agrees,
    })),
  };
}
