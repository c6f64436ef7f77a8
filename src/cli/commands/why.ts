import { PolicyEngine } from '../../core/policy/evaluate.ts';
import { clusterState } from '../../core/policy/cluster-state.ts';
import { openCluster, readSnapshot } from '../cluster.ts';
import type { Command } from '../command.ts';
import { formatPolicyIssue } from '../input.ts';
import { Judge } from '../judge.ts';
import { KUBECONFIG, NAME, OUTPUT } from '../lab-options.ts';
import { LANGUAGE } from '../language.ts';
import { PLACE_FORMS } from '../place.ts';
import { answerRequest, readRequest } from '../ingress/answer.ts';
import { leadingHere } from '../ingress/leading.ts';
import { readIngressTarget } from '../ingress/why-ingress.ts';
import { readRouteTarget } from '../ingress/why-route.ts';
import { QUESTION_OPTIONS, answerOne, readQuestion } from './check.ts';

/** `sluice why FROM TO --port P`: `sluice check --live` in fewer words. */
export const command: Command = {
  meta: {
    description:
      'Says whether a connection is allowed, which policy and rule decided it, and if none did, which rules came nearest.\n' +
      `FROM and TO: ${PLACE_FORMS}.\n` +
      'TO may also be NAMESPACE/ingress/NAME, NAMESPACE/httproute/NAME or a URL: the request is followed through the proxy to the pods, and needs no --port.\n' +
      "For manifests instead of a running cluster there is 'sluice check'.\n" +
      'Exit code 0: allowed; 1: denied; 2: the question could not be answered.',
    examples: [
      'sluice why busybox nginx --port 80',
      'sluice why dev/client pro/service/web --port http',
      'sluice why outside default/nginx --port 80',
      'sluice why outside shop/ingress/shop',
      'sluice why 203.0.113.10 http://shop.example.test/api/cart',
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
    const { values } = invocation;
    const text = invocation.arguments[1] ?? '';
    const namespace = String(values['namespace']);
    const target = readRouteTarget(text, namespace) ?? readIngressTarget(text, namespace);
    // A question that cannot be asked is told before anything is read.
    const asked = target === undefined ? readQuestion(values) : readRequest(values);
    using cluster = await openCluster(invocation);
    const snapshot = await readSnapshot(cluster.client);
    const state = clusterState(snapshot);
    for (const issue of state.issues) invocation.note(`warning: ${formatPolicyIssue(issue)}`);
    const judge = new Judge(new PolicyEngine(state));
    const around = { invocation, judge, snapshot, client: cluster.client };
    // A namespace may be called like a kind: what exists under the plain reading wins.
    if (target !== undefined && !state.pods.has(text)) return await answerRequest(target, asked, around);
    const question = target === undefined ? asked : readQuestion(values);
    return await answerOne(judge, question, invocation, (whole) => leadingHere(whole, around));
  },
};
