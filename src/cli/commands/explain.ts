import { describer } from '../../core/policy/describe/describe-policy.ts';
import type { PolicyDescription } from '../../core/policy/describe/description.ts';
import { formatDescription } from '../../core/policy/describe/format-description.ts';
import type { Policy, PolicyIssue } from '../../core/policy/model.ts';
import { normaliseNetworkPolicy } from '../../core/policy/normalise/network-policy.ts';
import { normalisePolicy } from '../../core/policy/normalise/registry.ts';
import type { Command } from '../command.ts';
import { choosePolicies } from '../choose-policies.ts';
import { INPUT_OPTIONS, readInput } from '../input.ts';
import type { Input } from '../input.ts';
import { OUTPUT } from '../lab-options.ts';
import { LANGUAGE, languageOf } from '../language.ts';

/** `sluice explain POLICY -f FILE` */
export const command: Command = {
  meta: {
    description:
      'Describes policies of every API in English, Simplified or Traditional Chinese. POLICY is a name, NAMESPACE/NAME or ' +
      'KIND/NAME; without it every policy of the input is described. With pods in the input, or --live, it also says ' +
      'which of them each policy selects now.\n' +
      'Exit code 0: described; 2: there is no such policy, or the input could not be read.',
    examples: [
      'sluice explain -f policy.yaml',
      'sluice explain pro/web -f manifests/ --lang zh-CN',
      'sluice explain cnp/deny-egress --live -o json',
    ],
  },
  args: {
    positionals: [{ name: '[policy]', description: 'the policy; by default every one' }],
    options: [...INPUT_OPTIONS, LANGUAGE, OUTPUT],
  },
  run: async (invocation) => {
    const { values, env, print } = invocation;
    const language = languageOf(values['lang'] as string | undefined, env);
    const input = await readInput(invocation);
    const chosen = choosePolicies(policiesOf(input), invocation.arguments[0]);
    const describe = describer({ language, state: input.state });
    const described = chosen.map(describe);
    if (values['output'] === 'json') {
      const policies = described.map((each) => ({ ...each, issues: issuesOf(each, input.state.issues) }));
      print(JSON.stringify({ language, policies }, null, 2));
    } else print(described.map((each) => formatDescription(each, language)).join('\n\n'));
    return 0;
  },
};

/** Those that are not in force, too. */
function policiesOf({ objects, locate }: Input): readonly Policy[] {
  const normalised = [
    ...[...(objects.networkPolicies ?? [])].map((each) => normaliseNetworkPolicy(each, locate(each))),
    ...[...(objects.policies ?? [])].map((each) => normalisePolicy(each, locate(each))),
  ];
  return normalised.flatMap((each) => (each === undefined ? [] : [each.policy]));
}

function issuesOf({ policy }: PolicyDescription, issues: readonly PolicyIssue[]): unknown {
  return issues.filter((each) => each.policy === policy).map(({ source, message }) => ({ ...source, message }));
}
