import { readGatewayWorld } from '../../app/ingress/read-gateways.ts';
import { deriveGateways, routeWays } from '../../core/gateway/index.ts';
import { isForbidden } from '../../host/kube-client/errors.ts';
import type { Addition } from '../commands/check.ts';
import type { Question } from '../judge.ts';
import { languageOf } from '../language.ts';
import type { Asked } from './answer.ts';
import { followWays } from './follow.ts';
import { leadingText } from './leading-text.ts';
import type { Leading } from './leading-text.ts';
import { conditionsOf as routeConditions } from './route-report.ts';
import { conditionsOf } from './way-text.ts';
import { leadingTo, readIngresses } from './why-ingress.ts';
import { asWay } from './why-route.ts';

/** What leads to a Service, with what there is to say of it as data. */
interface Found extends Leading {
  readonly port: string | number;
  readonly conditions: readonly string[];
}

/** By which Ingresses and HTTPRoutes the outside comes to the Service that is asked about, too. */
export async function leadingHere(question: Question, asked: Asked): Promise<Addition> {
  const { from, to } = question;
  const { invocation, judge } = asked;
  const isOutside =
    from.kind === 'outside' || (from.kind === 'address' && judge.engine.address(from.ip).kind === 'outside');
  if (to.kind !== 'service' || !isOutside) return { lines: [], data: {} };
  const { values, env, note } = invocation;
  const found: Found[] = [];
  try {
    const known = await readIngresses(asked.client, asked.snapshot);
    found.push(...byIngresses(known, to.service.key, question, asked));
    found.push(...(await byRoutes(known, to.service.key, question, asked)));
  } catch (error) {
    if (!isForbidden(error)) throw error;
    note(
      'warning: you may not read all of Ingresses, HTTPRoutes and the Secrets that they name: not all that leads here is told',
    );
  }
  const language = languageOf(values['lang'] as string | undefined, env);
  return {
    // What differs in conditions only is one line.
    lines: [...new Set(found.map((each) => leadingText(each, language)))],
    data: {
      through: found.map(({ kind, key, gateways, way, port, conditions, problem, allowed }) => ({
        ...(kind === 'Ingress' ? { ingress: key } : { httproute: key, gateways }),
        host: way.host,
        path: way.path,
        port,
        conditions,
        problem: problem ?? null,
        verdict: allowed ? 'allow' : 'deny',
        allowed,
      })),
    },
  };
}

type Known = Awaited<ReturnType<typeof readIngresses>>;

function byIngresses(known: Known, service: string, { from, family }: Question, { judge }: Asked): Found[] {
  return leadingTo(known, service).flatMap(({ key, ways }) =>
    followWays(ways, known.proxies, judge, { from, family }).map((followed) => {
      const { way } = followed;
      return { ...followed, kind: 'Ingress', key, gateways: [], port: way.target.port, conditions: conditionsOf(way) };
    }),
  );
}

async function byRoutes(
  { proxies, world }: Known,
  service: string,
  { from, family }: Question,
  { judge, client, snapshot }: Asked,
): Promise<Found[]> {
  const model = deriveGateways(await readGatewayWorld(client, world, snapshot.namespaces));
  return [...routeWays(model)].flatMap(([key, { ways, refusal }]) =>
    ways
      .filter(({ target }) => target?.service === service)
      .flatMap((route) => {
        const whole = { ways: [asWay(route, refusal)], warnings: [] };
        return followWays(whole, proxies, judge, { from, family }).map((followed): Found => {
          const { gateways } = route;
          const { port } = followed.way.target;
          return { ...followed, kind: 'HTTPRoute', key, gateways, port, conditions: routeConditions(route) };
        });
      }),
  );
}
