import { SluiceError } from '../../base/errors.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { readPort, readProtocol } from '../check/port-text.ts';
import type { ClusterSnapshot } from '../cluster.ts';
import type { Invocation, Values } from '../command.ts';
import type { Judge, Question } from '../judge.ts';
import { languageOf } from '../language.ts';
import { findPlace } from '../place.ts';
import { ingressJson, ingressText } from './report.ts';
import { routeJson, routeText } from './route-report.ts';
import { followRequest, readIngresses } from './why-ingress.ts';
import type { IngressTarget } from './why-ingress.ts';
import { followThroughRoutes } from './why-route.ts';
import type { RouteTarget } from './why-route.ts';

/** Whom and what a question about a cluster needs. */
export interface Asked {
  readonly invocation: Invocation;
  readonly judge: Judge;
  readonly snapshot: ClusterSnapshot;
  readonly client: KubeClient;
}

/** The question of a request through the proxy, without its ends: like any other, but the port may be left out. */
export function readRequest(values: Values): Omit<Question, 'from' | 'to'> {
  if (readProtocol(String(values['protocol'])) !== 'TCP')
    throw new SluiceError('bad-question', '--protocol: an Ingress is reached by TCP alone');
  const text = values['port'] as string | undefined;
  const family = values['family'] === undefined ? undefined : values['family'] === '6' ? 6 : 4;
  return { protocol: 'TCP', port: text === undefined ? undefined : readPort(text), family };
}

/** Follows a request through the proxy and prints what becomes of it. Returns the exit code. */
export async function answerRequest(
  target: IngressTarget | RouteTarget,
  { port, family }: Omit<Question, 'from' | 'to'>,
  { invocation, judge, snapshot, client }: Asked,
): Promise<number> {
  const { values, env, print } = invocation;
  const from = findPlace(invocation.arguments[0] ?? '', judge.engine.state, String(values['namespace']));
  const language = languageOf(values['lang'] as string | undefined, env);
  const routed = await followThroughRoutes(target, { judge, snapshot, client }, { from, port, family });
  if (routed !== undefined) {
    print(
      values['output'] === 'json'
        ? JSON.stringify(routeJson(routed, judge), null, 2)
        : routeText(routed, judge, language),
    );
    return routed.allowed ? 0 : 1;
  }
  if (target.kind === 'route')
    throw new SluiceError('no-such-place', `no Gateway of Sluice's has HTTPRoute ${target.key}`);
  const report = followRequest(await readIngresses(client, snapshot), target, judge, { from, port, family });
  if (values['output'] === 'json') print(JSON.stringify(ingressJson(report, judge), null, 2));
  else print(ingressText(report, judge, language));
  return report.allowed ? 0 : 1;
}
