import { SluiceError } from '../../base/errors.ts';
import type { Family } from '../../base/ip/index.ts';
import { PolicyEngine } from '../../core/policy/evaluate.ts';
import type { Command, Invocation, OptionSpec, Values } from '../command.ts';
import { readPort, readProtocol } from '../check/port-text.ts';
import { INPUT_OPTIONS, STAGED, pathsOf, readInput } from '../input.ts';
import { Judge, type Question } from '../judge.ts';
import { OUTPUT } from '../lab-options.ts';
import { LANGUAGE, languageOf } from '../language.ts';
import { PLACE_FORMS, findPlace } from '../place.ts';

/** What a connection is asked about by, besides its ends. */
export const QUESTION_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '-p, --port <port>',
    description:
      'destination port: a number, a range such as 80-90, or a name; of a service its port or the name of it',
  },
  { flags: '--protocol <protocol>', description: 'TCP, UDP, SCTP or ICMP', fallback: 'TCP' },
  { flags: '-n, --namespace <namespace>', description: 'namespace of names without one', fallback: 'default' },
  {
    flags: '--family <family>',
    description: 'address family; by default all that both ends have',
    choices: ['4', '6'],
  },
];

/** `sluice check FROM TO --port P` */
export const command: Command = {
  meta: {
    description:
      'Says whether a connection is allowed, which tier, policy and rule decided it, and if none did, which rules came nearest.\n' +
      `FROM and TO: ${PLACE_FORMS}.\n` +
      'Of several pods, a block of addresses or a range of ports all must agree; otherwise it says what is allowed and what is not.\n' +
      'Pods are found by their workload before they are deployed. outside is every address that nobody in the cluster has. A NodePort of a node and an address of a Service are judged as what they lead to.\n' +
      'Exit code 0: allowed; 1: denied, all or in part; 2: the question could not be answered.',
    examples: [
      'sluice check -f manifests/ shop/deployment/web shop/service/db --port 5432',
      'sluice check -f policies.yaml -f pods.yaml dev/client pro/app=web --port 80-90',
      'sluice check --live outside default/nginx --port 80',
      'sluice check -f . 10.0.0.0/8 pro/web --protocol ICMP -o json',
      'sluice check -f . --batch questions.jsonl',
    ],
  },
  args: {
    positionals: [
      { name: '[from]', description: 'where the connection starts' },
      { name: '[to]', description: 'where it goes' },
    ],
    options: [
      ...QUESTION_OPTIONS,
      {
        flags: '--batch <file>',
        description: 'answer the lines {"from","to","port","protocol"} of a file or of - (standard input), a line each',
      },
      ...INPUT_OPTIONS,
      STAGED,
      LANGUAGE,
      OUTPUT,
    ],
  },
  run: async (invocation) => {
    const { values } = invocation;
    const batch = values['batch'] as string | undefined;
    checkArguments(invocation, batch);
    // A question that cannot be asked is told before anything is read.
    const asked = batch === undefined ? readQuestion(values) : undefined;
    const { state } = await readInput(invocation);
    const judge = new Judge(new PolicyEngine(state));
    if (asked !== undefined) return answerOne(judge, asked, invocation);
    return answerBatch(judge, batch!, invocation);
  },
};

/** What else there is to say of a question: lines, and the same as data. */
export interface Addition {
  readonly lines: readonly string[];
  readonly data: Readonly<Record<string, unknown>>;
}

const NOTHING_ELSE: Addition = { lines: [], data: {} };

/** Answers one question on standard output. Shared with `sluice why`. */
export async function answerOne(
  judge: Judge,
  asked: Omit<Question, 'from' | 'to'>,
  invocation: Invocation,
  addition: (question: Question) => Promise<Addition> = () => Promise.resolve(NOTHING_ELSE),
): Promise<number> {
  const { values, print, env } = invocation;
  const { engine } = judge;
  const ends = invocation.arguments.map((text) => findPlace(text ?? '', engine.state, String(values['namespace'])));
  const question: Question = { ...asked, from: ends[0]!, to: ends[1]! };
  const answer = judge.judge(question);
  const { lines, data } = await addition(question);
  if (values['output'] === 'json') {
    const { answerJson } = await import('../check/answer-json.ts');
    print(JSON.stringify({ ...answerJson(engine, question, answer), ...data }, null, 2));
  } else {
    const { answerText } = await import('../check/answer-text.ts');
    print(answerText(engine, question, answer, languageOf(values['lang'] as string | undefined, env)));
    for (const line of lines) print(line);
  }
  return answer.allowed ? 0 : 1;
}

/** Reads the options of a question; throws `bad-question` for what does not fit together. */
export function readQuestion(values: Values): Omit<Question, 'from' | 'to'> {
  const protocol = readProtocol(String(values['protocol']));
  const text = values['port'] as string | undefined;
  if (protocol === 'ICMP' && text !== undefined) throw bad('--port: ICMP has no ports; leave it out');
  if (protocol !== 'ICMP' && text === undefined) throw bad('which port? Add --port, such as --port 80');
  const family = values['family'] === undefined ? undefined : (Number(values['family']) as Family);
  return { protocol, port: text === undefined ? undefined : readPort(text), family };
}

function checkArguments(invocation: Invocation, batch: string | undefined): void {
  const given = invocation.arguments.filter((each) => each !== undefined).length;
  if (batch === undefined && given < 2) throw bad('from where to where? Give FROM and TO, or --batch FILE');
  if (batch === undefined) return;
  if (given > 0) throw bad('--batch has the questions in its file: leave FROM and TO out');
  if (batch === '-' && pathsOf(invocation.values).includes('-'))
    throw bad('standard input cannot hold both the manifests (-f -) and the questions (--batch -)');
}

async function answerBatch(judge: Judge, path: string, invocation: Invocation): Promise<number> {
  const [{ Batch }, { readLines }, { LineSink }] = await Promise.all([
    import('../check/batch.ts'),
    import('../check/read-lines.ts'),
    import('../line-sink.ts'),
  ]);
  const batch = new Batch(judge, String(invocation.values['namespace']));
  const sink = new LineSink(invocation);
  for await (const lines of readLines(path))
    for (const line of lines) {
      const answer = batch.answer(line);
      const wait = answer === undefined ? undefined : sink.line(answer);
      if (wait !== undefined) await wait;
    }
  await sink.flush();
  if (batch.bad > 0) return 2;
  return batch.denied > 0 ? 1 : 0;
}

function bad(message: string): SluiceError<'bad-question'> {
  return new SluiceError('bad-question', message);
}
