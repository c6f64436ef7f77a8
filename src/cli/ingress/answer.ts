import { SluiceError } from '../../base/errors.ts';
import { isForbidden } from '../../host/kube-client/errors.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { readPort, readProtocol } from '../check/port-text.ts';
import type { ClusterSnapshot } from '../cluster.ts';
import type { Invocation, Values } from '../command.ts';
import type { Addition } from '../commands/check.ts';
import type { Judge, Question } from '../judge.ts';
import { languageOf } from '../language.ts';
import { findPlace } from '../place.ts';
import { followWays } from './follow.ts';
import { ingressJson, ingressText } from './report.ts';
import { routeJson, routeText } from './route-report.ts';
import { conditionsOf, requestsText } from './way-text.ts';
import { followRequest, leadingTo, readIngresses } from './why-ingress.ts';
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

/** By which Ingresses the outside comes to the Service that is asked about, too. */
export async function throughIngresses(
  { from, to, family }: Question,
  { invocation, judge, snapshot, client }: Asked,
): Promise<Addition> {
  const isOutside =
    from.kind === 'outside' || (from.kind === 'address' && judge.engine.address(from.ip).kind === 'outside');
  if (to.kind !== 'service' || !isOutside) return { lines: [], data: {} };
  try {
    const known = await readIngresses(client, snapshot);
    const through = leadingTo(known, to.service.key).flatMap(({ key, ways }) =>
      followWays(ways, known.proxies, judge, { from, family }).map((followed) => ({ ...followed, key })),
    );
    return {
      lines: through.map(
        ({ key, way, problem, allowed }) =>
          `by Ingress ${key} (${requestsText(way)}): ${allowed ? 'allowed' : (problem ?? 'denied')}; 'sluice why ... ${key.replace('/', '/ingress/')}' follows it`,
      ),
      data: {
        through: through.map(({ key, way, problem, allowed }) => ({
          ingress: key,
          host: way.host,
          path: way.path,
          port: way.target.port,
          conditions: conditionsOf(way),
          problem: problem ?? null,
          verdict: allowed ? 'allow' : 'deny',
          allowed,
        })),
      },
    };
  } catch (error) {
    if (!isForbidden(error)) throw error;
    invocation.note('warning: you may not read Ingresses or the Secrets that they name: what leads here is not told');
    return { lines: [], data: {} };
  }
}
