import { PolicyEngine } from '../../core/policy/evaluate.ts';
import { clusterState } from '../../core/policy/cluster-state.ts';
import { openCluster, readSnapshot } from '../cluster.ts';
import type { Command } from '../command.ts';
import { formatPolicyIssue } from '../input.ts';
import { Judge } from '../judge.ts';
import { KUBECONFIG, NAME, OUTPUT } from '../lab-options.ts';
import { LANGUAGE } from '../language.ts';
import { PLACE_FORMS } from '../place.ts';
import { QUESTION_OPTIONS, answerOne, readQuestion } from './check.ts';

/** `sluice why FROM TO --port P`: `sluice check --live` in fewer words. */
export const command: Command = {
  meta: {
    summary: 'explain what happens to a connection in a running cluster',
    description:
      'Says whether a connection is allowed, which policy and rule decided it, and if none did, which rules came nearest.\n' +
      `FROM and TO: ${PLACE_FORMS}.\n` +
      "For manifests instead of a running cluster there is 'sluice check'.\n" +
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
    options: [...QUESTION_OPTIONS, LANGUAGE, OUTPUT, NAME, KUBECONFIG],
  },
  run: async (invocation) => {
    const asked = readQuestion(invocation.values);
    using cluster = await openCluster(invocation);
    const state = clusterState(await readSnapshot(cluster.client));
    for (const issue of state.issues) invocation.note(`warning: ${formatPolicyIssue(issue)}`);
    return await answerOne(new Judge(new PolicyEngine(state)), asked, invocation);
  },
};
