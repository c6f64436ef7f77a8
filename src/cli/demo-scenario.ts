import { SluiceError } from '../base/errors.ts';
import type { PodEndpoint } from '../core/policy/index.ts';
import { mustSucceed, show, why } from './demo-stage.ts';
import type { Stage } from './demo-stage.ts';
import { reachabilityDiff } from './reachability-diff.ts';
import { reachabilityTable } from './reachability-table.ts';
import { compareReachability, type Comparison } from './reachability.ts';
import { lineDiff } from './ruleset-diff.ts';

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
  await show(stage, ['apply', '-f', stage.path('examples/2-labels/policy.yaml')]);
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
  await why(stage, ['plain', 'nginx', '--port', '80']);
  await why(stage, ['labelled', 'nginx', '--port', '80']);
  await why(stage, ['labelled', 'nginx', '--protocol', 'icmp']);
  const wrong = [...before, ...after].filter(({ agrees }) => !agrees).length;
  if (wrong > 0)
    throw new SluiceError('disagreement', `${wrong} connections did not go as predicted: this is a bug in Sluice`);
  print(`\n${before.length + after.length} real connections, every one as the policy engine predicted.`);
}

async function compare({ lab, client }: Stage): Promise<readonly Comparison[]> {
  const include = (pod: PodEndpoint): boolean => pod.namespace === 'default' && PODS.includes(pod.name);
  return compareReachability(lab, client, { include });
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
