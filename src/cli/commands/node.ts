import type { BgpStatus } from '../../app/agent/bgp-speaker.ts';
import { SluiceError, messageOf } from '../../base/errors.ts';
import { openCluster } from '../cluster.ts';
import type { Command, Invocation } from '../command.ts';
import { KUBECONFIG, NAME, OUTPUT } from '../lab-options.ts';
import { isWell, nodeStatusText } from '../node-status.ts';
import type { NoBgp } from '../node-status.ts';

/** `sluice node status [NODE]` */
export const command: Command = {
  meta: {
    description:
      'Shows BGP sessions and learnt routes as BIRD on the node has them, of one node or of all nodes of a cluster on this\n' +
      "machine. In the agent's pod, or as root on a node, it shows those of that node.\n" +
      'Exit code 0: every session is established; 1: some are not, or something is amiss; 2: BIRD could not be asked.',
    examples: [
      'sluice node status',
      'sluice node status node-2 -o json',
      'kubectl -n kube-system exec ds/sluice-node -- sluice node status',
    ],
  },
  args: {
    positionals: [
      { name: '<what>', description: 'what to show', choices: ['status'] },
      { name: '[node]', description: 'name of the node; all by default' },
    ],
    options: [NAME, KUBECONFIG, OUTPUT],
  },
  run: async (invocation) => {
    const answers = (await askThisNode(invocation)) ?? (await askNodes(invocation));
    const { values, print } = invocation;
    if (values['output'] === 'json') print(JSON.stringify(answers, null, 2));
    else
      for (const [index, answer] of answers.entries()) {
        if (index > 0) print('');
        print('reason' in answer ? `Node ${answer.node}: ${answer.reason}` : nodeStatusText(answer));
      }
    if (answers.some((answer) => 'reason' in answer)) return 2;
    return answers.every((answer) => !('reason' in answer) && isWell(answer)) ? 0 : 1;
  },
};

type Answer = BgpStatus | NoBgp;

/** The agent whose socket is here, when nobody says which node or cluster is meant. */
async function askThisNode({ arguments: [, node], values, env }: Invocation): Promise<readonly Answer[] | undefined> {
  const hasChoice = node !== undefined || values['kubeconfig'] !== undefined || values['name'] !== NAME.fallback;
  if (hasChoice) return undefined;
  const { askAgent } = await import('../../app/agent/ask-agent.ts');
  const { code, text } = await askAgent(env, '/bgp');
  return code === 0 ? undefined : [answerOf('this node', code === 200 ? (JSON.parse(text) as unknown) : text)];
}

async function askNodes(invocation: Invocation): Promise<readonly Answer[]> {
  using cluster = await openCluster(invocation);
  const { lab } = cluster;
  if (lab === undefined)
    throw new SluiceError(
      'not-running',
      "nodes can only be asked on the machine that runs the cluster; elsewhere, ask in the agent's pod: kubectl -n kube-system exec POD -- sluice node status",
    );
  const [, wanted] = invocation.arguments;
  const names = (await lab.request({ op: 'status' })).nodes.map(({ name }) => name);
  if (wanted !== undefined && !names.includes(wanted))
    throw new SluiceError('no-node', `${cluster.title} has no node ${wanted}: it has ${names.join(', ')}`);
  const nodes = wanted === undefined ? names : [wanted];
  return await Promise.all(
    nodes.map(async (node) => {
      try {
        return answerOf(node, await lab.request({ op: 'agent-status', node, path: '/bgp' }));
      } catch (error) {
        return { node, reason: messageOf(error) };
      }
    }),
  );
}

/** Agents that speak no BGP have nothing there. */
function answerOf(node: string, answer: unknown): Answer {
  if (typeof answer === 'object' && answer !== null && 'sessions' in answer) return answer as BgpStatus;
  return { node, reason: 'it speaks no BGP: that is for calico_backend none' };
}
