import type { Backend } from '../ingress/model.ts';
import type { ServiceTarget } from '../ingress/read-ingress.ts';
import { PLAIN_SETTINGS } from '../ingress/settings.ts';
import type { Settings } from '../ingress/settings.ts';
import { UNRESOLVED_BACKEND } from '../ingress/virtual-host.ts';
import type { Decision } from '../ingress/virtual-host.ts';
import { readBackend } from './read-backends.ts';
import { readFilters } from './read-filters.ts';
import type { FilterReading } from './read-filters.ts';
import { readMatch } from './read-match.ts';
import type { MatchReading } from './read-match.ts';
import { readTimeouts } from './read-timeouts.ts';
import type { HttpRoute, HttpRouteRule } from './types.ts';
import { keyOf } from './types.ts';
import { fails, holds } from './verdict.ts';
import type { Verdict } from './verdict.ts';
import type { GatewayWorld } from './world.ts';

/** A match and where its requests go: the first share that takes one has it, the last takes all. */
export interface MatchedTarget {
  readonly match: MatchReading;
  readonly shares: readonly Share[];
}

/** A part of the requests; `target` is the Service that the route names for it, whether it is there or not. */
export interface Share extends Pick<Decision, 'share' | 'backend'> {
  readonly target?: ServiceTarget;
}

/** What an HTTPRoute says, wherever it is attached. */
export interface RouteReading {
  /** `namespace/name`. */
  readonly key: string;
  readonly targets: readonly MatchedTarget[];
  readonly backends: readonly Backend[];
  /** Why it is not served as it is written, all of it then. */
  readonly problem?: Verdict;
  readonly resolved: Verdict;
}

/**
 * Reads an HTTPRoute. One with something that cannot be read keeps those of its matches that can, and answers 500 there:
 * no broader rule is to get its requests.
 */
export function readRoute(route: HttpRoute, world: GatewayWorld): RouteReading {
  const key = keyOf(route);
  const reader = new RuleReader(route, world);
  const rejected = world.rejected.get(`HTTPRoute ${key}`);
  const rules = route.spec?.rules ?? [{}];
  const targets = rules.flatMap((rule, index) => reader.read(rule, index));
  const problem =
    rejected === undefined
      ? reader.problem
      : fails('Accepted', 'UnsupportedValue', `the proxy does not take it: ${rejected}`);
  const resolved = reader.unresolved ?? holds('ResolvedRefs');
  if (problem === undefined) return { key, targets, backends: reader.backends, resolved };
  // What the proxy refused as a whole may have been an expression.
  const kept = targets.filter(({ match }) => rejected === undefined || isPlain(match));
  const shares = [{ backend: UNRESOLVED_BACKEND }];
  return { key, targets: kept.map(({ match }) => ({ match, shares })), backends: [], problem, resolved };
}

function isPlain({ path, tests }: MatchReading): boolean {
  return path.kind !== 'regex' && tests.every((test) => test.kind === 'method' || ('regex' in test && !test.regex));
}

class RuleReader {
  readonly backends: Backend[] = [];
  problem: Verdict | undefined;
  unresolved: Verdict | undefined;
  readonly #route: HttpRoute;
  readonly #world: GatewayWorld;

  constructor(route: HttpRoute, world: GatewayWorld) {
    this.#route = route;
    this.#world = world;
  }

  read(rule: HttpRouteRule, index: number): MatchedTarget[] {
    const filters = this.#take(readFilters(rule.filters ?? [], false)) ?? { settings: {} };
    const timeouts = this.#take(readTimeouts(rule)) ?? {};
    const whole: FilterReading = { ...filters, settings: { ...filters.settings, ...timeouts } };
    const texts = rule.matches ?? [];
    const matches = (texts.length === 0 ? [{}] : texts).flatMap((text) => this.#take(readMatch(text)) ?? []);
    const replacement = whole.prefixReplacement;
    if (replacement === undefined) {
      const shares = this.#shares(rule, whole.settings, `${index}`);
      return matches.map((match) => ({ match, shares }));
    }
    return matches.map((match, at) => {
      const { kind, value } = match.path;
      if (kind !== 'prefix') this.#refuse('UnsupportedValue', 'ReplacePrefixMatch needs matches by PathPrefix');
      const rewrite = { kind: 'prefix', prefix: value, replacement } as const;
      return { match, shares: this.#shares(rule, { ...whole.settings, rewrite }, `${index}.${at}`) };
    });
  }

  /** By weight, each of what those before it have left over. */
  #shares(rule: HttpRouteRule, settings: Partial<Settings>, name: string): MatchedTarget['shares'] {
    if (settings.location !== undefined) return [{ backend: this.#add(name, settings, { endpoints: [] }) }];
    const targets = (rule.backendRefs ?? []).map((reference, at) => {
      const { weight = 1, filters = [] } = reference;
      const own = this.#take(readFilters(filters, true))?.settings ?? {};
      const namespace = this.#route.metadata?.namespace ?? 'default';
      const read = readBackend(reference, namespace, this.#world);
      const service = `${reference.namespace ?? namespace}/${reference.name ?? ''}`;
      const target = { service, port: reference.port ?? 0 };
      if ('problem' in read) {
        this.unresolved ??= read.problem;
        return { weight, backend: UNRESOLVED_BACKEND, target };
      }
      const all = { ...settings, ...joinHeaders(settings, own), protocol: read.protocol };
      return { weight, target, backend: weight > 0 ? this.#add(`${name}_${at}`, all, read) : '' };
    });
    const used = targets.filter(({ weight }) => weight > 0);
    let whole = used.reduce((sum, { weight }) => sum + weight, 0);
    if (used.length === 0) return [{ backend: UNRESOLVED_BACKEND }];
    return used.map(({ weight, backend, target }, at) => {
      const share = { parts: weight, whole };
      whole -= weight;
      return at === used.length - 1 ? { backend, target } : { share, backend, target };
    });
  }

  #add(
    suffix: string,
    settings: Partial<Settings>,
    { endpoints, others = [] }: Pick<Backend, 'endpoints' | 'others'>,
  ): string {
    const key = keyOf(this.#route);
    // No backend of an Ingress has a colon in its name.
    const name = `route:${key.replace('/', '_')}_${suffix}`;
    const twin = others.length === 0 ? {} : { others };
    this.backends.push({ name, owner: key, endpoints, ...twin, settings: { ...PLAIN_SETTINGS, ...settings } });
    return name;
  }

  #take<T extends object>(
    reading: T | { readonly problem: string; readonly reason?: string },
  ): Exclude<T, { readonly problem: string }> | undefined {
    if (!('problem' in reading)) return reading as Exclude<T, { readonly problem: string }>;
    const { problem, reason = 'UnsupportedValue' } = reading as { readonly problem: string; readonly reason?: string };
    this.#refuse(reason, problem);
    return undefined;
  }

  #refuse(reason: string, message: string): void {
    this.problem ??= fails('Accepted', reason, message);
  }
}

/** What a backend does to headers comes after what its rule does. */
function joinHeaders(rule: Partial<Settings>, own: Partial<Settings>): Partial<Settings> {
  const request = [...(rule.requestHeaders ?? []), ...(own.requestHeaders ?? [])];
  const response = [...(rule.responseHeaders ?? []), ...(own.responseHeaders ?? [])];
  return {
    ...(request.length === 0 ? {} : { requestHeaders: request }),
    ...(response.length === 0 ? {} : { responseHeaders: response }),
  };
}
