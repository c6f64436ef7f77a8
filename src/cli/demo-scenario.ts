import type { RunningLab } from '../app/lab/lab-types.ts';
import { SluiceError } from '../base/errors.ts';
import { PolicyEngine, clusterState, type Language, type PodEndpoint } from '../core/policy/index.ts';
import type { KubeClient } from '../host/kube-client/types.ts';
import { readSnapshot } from './cluster.ts';
import { answerText } from './check/answer-text.ts';
import { Judge } from './judge.ts';
import type { Kubectl } from './kubectl.ts';
import { findPlace } from './place.ts';
import { reachabilityDiff } from './reachability-diff.ts';
import { reachabilityTable } from './reachability-table.ts';
import { compareReachability, type Comparison } from './reachability.ts';
import { lineDiff } from './ruleset-diff.ts';

/** What the demonstration is played with. */
export interface Stage {
  readonly lab: RunningLab;
  readonly client: KubeClient;
  readonly kubectl: Kubectl;
  /** The policy's file, as it is shown in the command. */
  readonly policy: string;
  readonly language: Language;
  readonly print: (line: string) => void;
}

/** Pods that the demonstration makes, besides those that come and go within one command. */
const PODS = ['nginx', 'nginx2', 'plain', 'labelled'];

/**
 * Two web servers, a policy on one of them, and two clients of which one has the label that the policy asks for: real commands with
 * their real output, reachability measured before and after, and the rule that decides.
 */
export async function runScenario(stage: Stage): Promise<void> {
  const { print, kubectl } = stage;
  print('\nTwo web servers, and two clients of which one is labelled xx=xx:\n');
  await show(stage, ['run', 'nginx', '--image=nginx', '--labels=aa=aa1', '--port=80']);
  await show(stage, ['run', 'nginx2', '--image=nginx', '--labels=bb=bb2', '--port=80']);
  await show(stage, ['expose', 'pod', 'nginx', '--port=80', '--type=NodePort']);
  await show(stage, ['expose', 'pod', 'nginx2', '--port=80', '--type=NodePort']);
  await show(stage, ['run', 'plain', '--image=busybox', '--', 'sleep', 'infinity']);
  await show(stage, ['run', 'labelled', '--image=busybox', '--labels=xx=xx', '--', 'sleep', 'infinity']);
  await mustSucceed(kubectl, ['wait', '--for=condition=Ready', 'pod', ...PODS, '--timeout=30s']);
  await show(stage, ['get', 'pods', '-o', 'wide', '--show-labels']);

  print(
    '\nNo policy yet. Real connections between all pods (TCP and UDP by port, undeclared ports in brackets, ping):\n',
  );
  const before = await compare(stage);
  print(reachabilityTable(before));
  print('');
  await show(stage, ['exec', 'plain', '--', 'wget', '-q', '-T', '2', '-O', '-', 'nginx']);

  print('\nNow the policy: nginx accepts TCP 80 from pods labelled xx=xx, and nothing else.\n');
  const node = await nodeOf(stage, 'nginx');
  const rulesBefore = await ruleset(stage, node);
  await show(stage, ['apply', '-f', stage.policy]);
  const after = await compare(stage);
  const rulesAfter = await ruleset(stage, node);
  print('\nThis policy is live in the kernel, and here is what changed:\n');
  print(reachabilityTable(after));
  print('');
  for (const line of reachabilityDiff(before, after)) print(line);
  printRules(stage, node, lineDiff(rulesBefore, rulesAfter));

  print('\nFrom inside the pods:\n');
  for (const [from, to] of [
    ['plain', 'nginx'],
    ['plain', 'nginx2'],
    ['labelled', 'nginx'],
  ] as const) {
    const script = `wget -q -T 1 -O /dev/null ${to} && echo "${to} answers" || echo "no answer from ${to}"`;
    await show(stage, ['exec', from, '--', 'sh', '-c', script]);
  }
  await show(stage, ['exec', 'labelled', '--', 'ping', '-c', '1', '-W', '1', await addressOf(stage, 'nginx')]);

  print('\nWhy:\n');
  await why(stage, 'plain', 'TCP', 80);
  await why(stage, 'labelled', 'TCP', 80);
  await why(stage, 'labelled', 'ICMP', undefined);
  const wrong = [...before, ...after].filter(({ agrees }) => !agrees).length;
  if (wrong > 0)
    throw new SluiceError('disagreement', `${wrong} connections did not go as predicted: this is a bug in Sluice`);
  print(`\n${before.length + after.length} real connections, every one as the policy engine predicted.`);
}

/** Prints a command and everything that it prints; what a policy denies fails, and that is part of the show. */
async function show({ kubectl, print }: Stage, args: readonly string[]): Promise<void> {
  print(`$ kubectl ${args.map(quote).join(' ')}`);
  const { stdout, stderr } = await kubectl(args);
  const text = `${stdout}${stderr}`.trimEnd();
  if (text !== '') print(text);
}

async function compare({ lab, client }: Stage): Promise<readonly Comparison[]> {
  const include = (pod: PodEndpoint): boolean => pod.namespace === 'default' && PODS.includes(pod.name);
  return compareReachability(lab, client, { include });
}

async function why(
  { client, language, print }: Stage,
  from: string,
  protocol: 'TCP' | 'ICMP',
  port: number | undefined,
): Promise<void> {
  print(`$ sluice why ${from} nginx ${port === undefined ? '--protocol icmp' : `--port ${port}`} --name demo`);
  const state = clusterState(await readSnapshot(client));
  const engine = new PolicyEngine(state);
  const ends = { from: findPlace(from, state, 'default'), to: findPlace('nginx', state, 'default') };
  const asked = port === undefined ? undefined : ({ kind: 'range', first: port, last: port } as const);
  const question = { ...ends, protocol, port: asked, family: undefined };
  print(answerText(engine, question, new Judge(engine).judge(question), language));
}

/** At most this many changed lines are shown: they are there to be believed, not to be read through. */
const MAX_RULE_LINES = 24;

function printRules({ print }: Stage, node: string, changed: readonly string[]): void {
  if (changed.length === 0) return;
  print(`\nIn the kernel of ${node}, table inet sluice, ${changed.length} lines changed:`);
  for (const line of changed.slice(0, MAX_RULE_LINES)) print(`  ${line}`);
  if (changed.length > MAX_RULE_LINES) print(`  … and ${changed.length - MAX_RULE_LINES} more`);
}

/** The rules in the kernel of a node, read back with `nft`; empty where that is not installed. */
async function ruleset({ lab }: Stage, node: string): Promise<string> {
  const at = { kind: 'node', name: node } as const;
  const { code, stdout } = await lab.request({
    op: 'exec',
    at,
    command: ['nft', '-s', 'list', 'table', 'inet', 'sluice'],
  });
  return code === 0 ? stdout : '';
}

async function nodeOf({ kubectl }: Stage, pod: string): Promise<string> {
  return mustSucceed(kubectl, ['get', 'pod', pod, '-o', 'jsonpath={.spec.nodeName}']);
}

async function addressOf({ kubectl }: Stage, pod: string): Promise<string> {
  return mustSucceed(kubectl, ['get', 'pod', pod, '-o', 'jsonpath={.status.podIP}']);
}

async function mustSucceed(kubectl: Kubectl, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await kubectl(args);
  if (code === 0) return stdout;
  throw new SluiceError('demo-failed', `kubectl ${args.join(' ')} failed:\n${stderr.trimEnd()}`);
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word}'`;
}
