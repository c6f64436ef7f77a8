import { SluiceError } from '../../base/errors.ts';
import type { Family } from '../../base/ip/index.ts';
import { PolicyEngine, clusterState, type FlowProtocol } from '../../core/policy/index.ts';
import { openCluster, readSnapshot } from '../cluster.ts';
import type { Command, Values } from '../command.ts';
import { answerJson, answerText, judge, type Question } from '../judge.ts';
import { KUBECONFIG, NAME, OUTPUT } from '../lab-options.ts';
import { LANGUAGE, languageOf } from '../language.ts';
import { findPlace } from '../place.ts';

/** `sluice why FROM TO --port P` */
export const command: Command = {
  meta: {
    summary: 'explain what happens to a connection',
    description:
      'Says whether a connection is allowed, which policy and rule decided it, and if none did, which rules came nearest.\n' +
      'FROM and TO: a pod (NAME or NAMESPACE/NAME), NAMESPACE/service/NAME (TO only), node/NAME, an IP address, outside.\n' +
      'Exit code 0: allowed; 1: denied; 2: the question could not be answered.',
    examples: [
      'sluice why busybox nginx --port 80',
      'sluice why dev/client pro/service/web --port http',
      'sluice why outside default/nginx --port 80',
      'sluice why busybox nginx --protocol icmp',
    ],
  },
  args: {
    positionals: [
      { name: '<from>', description: 'where the connection starts' },
      { name: '<to>', description: 'where it goes' },
    ],
    options: [
      { flags: '-p, --port <port>', description: 'destination port; of a service its port or the name of it' },
      {
        flags: '--protocol <protocol>',
        description: 'protocol of the connection',
        choices: ['tcp', 'udp', 'sctp', 'icmp'],
        fallback: 'tcp',
      },
      { flags: '-n, --namespace <namespace>', description: 'namespace of names without one', fallback: 'default' },
      {
        flags: '--family <family>',
        description: 'address family; by default the first that both have',
        choices: ['4', '6'],
      },
      LANGUAGE,
      OUTPUT,
      NAME,
      KUBECONFIG,
    ],
  },
  run: async (invocation) => {
    const { values, print, note, env } = invocation;
    const { protocol, port, family } = readQuestion(values);
    using cluster = await openCluster(invocation);
    const state = clusterState(await readSnapshot(cluster.client));
    for (const issue of state.issues) note(`warning: ${issue.policy}: ${issue.source.path}: ${issue.message}`);
    const engine = new PolicyEngine(state);
    const [from, to] = invocation.arguments.map((text) => findPlace(text ?? '', state, String(values['namespace'])));
    const question: Question = { from: from!, to: to!, protocol, port, family };
    const answer = judge(engine, question);
    const language = languageOf(values['lang'] as string | undefined, env);
    if (values['output'] === 'json') print(JSON.stringify(answerJson(engine, question, answer), null, 2));
    else print(answerText(engine, answer, language));
    return answer.verdicts.every(({ allowed }) => allowed) ? 0 : 1;
  },
};

function readQuestion(values: Values): {
  readonly protocol: FlowProtocol;
  readonly port: number | string | undefined;
  readonly family: Family | undefined;
} {
  const protocol = String(values['protocol']).toUpperCase() as FlowProtocol;
  const text = values['port'] as string | undefined;
  if (protocol === 'ICMP' && text !== undefined) throw bad('--port: ICMP has no ports; leave it out');
  if (protocol !== 'ICMP' && text === undefined) throw bad('which port? Add --port, such as --port 80');
  const port = text !== undefined && /^\d+$/u.test(text) ? Number(text) : text;
  if (typeof port === 'number' && (port < 1 || port > 65_535)) throw bad(`--port ${port}: ports are from 1 to 65535`);
  const family = values['family'] === undefined ? undefined : (Number(values['family']) as Family);
  return { protocol, port, family };
}

function bad(message: string): SluiceError<'bad-question'> {
  return new SluiceError('bad-question', message);
}
