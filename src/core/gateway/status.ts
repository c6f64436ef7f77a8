import { parseIp } from '../../base/ip/index.ts';
import type { GatewayModel } from './derive.ts';
import { isUsable } from './derive.ts';
import { describeListener } from './read-listeners.ts';
import type { ListenerReading } from './read-listeners.ts';
import { SUPPORTED_FEATURES } from './supported-features.ts';
import type {
  Condition,
  Gateway,
  GatewayAddress,
  GatewayClass,
  HttpRoute,
  ListenerStatus,
  RouteParentStatus,
} from './types.ts';
import { keyOf } from './types.ts';
import { fails, holds } from './verdict.ts';
import type { Verdict } from './verdict.ts';
import { GATEWAY_CONTROLLER } from './world.ts';

/** What a status is made of besides the model. */
export interface StatusSurroundings {
  /** Where clients reach the proxy. */
  readonly addresses: readonly string[];
  /** What the proxy itself refused, as in the world. */
  readonly rejected: ReadonlyMap<string, string>;
  /** RFC 3339. */
  readonly now: string;
}

/** The status of a class of ours. */
export function classStatus(
  each: GatewayClass,
  version: GatewayModel['version'],
  { now }: StatusSurroundings,
): GatewayClass['status'] {
  const accepted = isUsable(each)
    ? holds('Accepted')
    : fails('Accepted', 'InvalidParameters', 'parametersRef is not supported');
  return {
    conditions: conditions(
      [accepted, ...(version === undefined ? [] : [version])],
      each.status?.conditions,
      each.metadata?.generation,
      now,
    ),
    supportedFeatures: SUPPORTED_FEATURES.map((name) => ({ name })),
  };
}

/** The status of a Gateway of ours, as the proxy runs now. */
export function gatewayStatus(
  { gateway, listeners }: GatewayModel['gateways'][number],
  routes: GatewayModel['routes'],
  { addresses, rejected, now }: StatusSurroundings,
): Gateway['status'] {
  const { generation } = gateway.metadata ?? {};
  const before = gateway.status;
  const refusal = rejected.get(`Gateway ${keyOf(gateway)}`);
  return {
    addresses: addresses.map(addressOf),
    conditions: conditions(
      [acceptance(gateway, listeners), programmed(gateway, listeners, addresses, refusal)],
      before?.conditions,
      generation,
      now,
    ),
    listeners: listeners.map((reading): ListenerStatus => {
      const { name } = reading.listener;
      const known = before?.listeners?.find((each) => each.name === name)?.conditions;
      const { accepted, resolved, conflicted, overlap } = reading;
      const always = [accepted, resolved, listenerProgrammed(reading, refusal), conflicted];
      const all = overlap === undefined ? always : [...always, overlap];
      return {
        name,
        supportedKinds: reading.supportedKinds,
        attachedRoutes: attachedTo(reading, routes),
        conditions: conditions(all, known, generation, now),
      };
    }),
  };
}

/** The status of a route: our part of it made anew, that of other controllers as it is. Undefined when there is nothing to say. */
export function routeStatus(
  { route, reading, attachments }: GatewayModel['routes'][number],
  { now }: StatusSurroundings,
): HttpRoute['status'] | undefined {
  const before = route.status?.parents ?? [];
  const others = before.filter(({ controllerName }) => controllerName !== GATEWAY_CONTROLLER);
  if (reading === undefined) return others.length === before.length ? undefined : { parents: others };
  const own = attachments.map(({ parentRef, accepted }): RouteParentStatus => {
    const known = before.find(
      (each) => each.controllerName === GATEWAY_CONTROLLER && canonical(each.parentRef) === canonical(parentRef),
    );
    const verdict = accepted.status === 'True' ? (reading.problem ?? accepted) : accepted;
    return {
      parentRef,
      controllerName: GATEWAY_CONTROLLER,
      conditions: conditions([verdict, reading.resolved], known?.conditions, route.metadata?.generation, now),
    };
  });
  return { parents: [...others, ...own] };
}

function acceptance(gateway: Gateway, listeners: readonly ListenerReading[]): Verdict {
  if (gateway.spec?.infrastructure?.parametersRef !== undefined)
    return fails('Accepted', 'InvalidParameters', 'infrastructure.parametersRef is not supported');
  const strange = (gateway.spec?.addresses ?? []).find(
    ({ type = 'IPAddress' }) => type !== 'IPAddress' && type !== 'Hostname',
  );
  if (strange !== undefined)
    return fails('Accepted', 'UnsupportedAddress', `addresses of type ${strange.type} are not supported`);
  const bad = listeners.filter(({ accepted }) => accepted.status === 'False');
  if (bad.length === 0) return holds('Accepted');
  const message = `not accepted: ${bad.map(describeListener).join(', ')}`;
  return (bad.length === listeners.length ? fails : holds)('Accepted', 'ListenersNotValid', message);
}

function programmed(
  gateway: Gateway,
  listeners: readonly ListenerReading[],
  addresses: readonly string[],
  refusal: string | undefined,
): Verdict {
  if (refusal !== undefined) return fails('Programmed', 'Invalid', `the proxy does not take it: ${refusal}`);
  const foreign = (gateway.spec?.addresses ?? []).find(
    ({ value }) => value !== undefined && value !== '' && !addresses.includes(value),
  );
  if (foreign !== undefined)
    return fails('Programmed', 'AddressNotUsable', `${foreign.value} is no address of this proxy`);
  if (!listeners.some(({ serves }) => serves)) return fails('Programmed', 'Invalid', 'no listener can be served');
  if (addresses.length === 0) return fails('Programmed', 'AddressNotAssigned', 'the proxy has no address yet');
  return holds('Programmed');
}

function listenerProgrammed({ accepted, resolved, serves }: ListenerReading, refusal: string | undefined): Verdict {
  if (serves) return holds('Programmed');
  const failed = accepted.status === 'False' ? accepted.message : resolved.message;
  return fails('Programmed', 'Invalid', refusal === undefined ? failed : `the proxy does not take it: ${refusal}`);
}

/** Routes count where they are attached, whatever else is wrong with them or with the listener. */
function attachedTo(reading: ListenerReading, routes: GatewayModel['routes']): number {
  return routes.filter(({ attachments }) =>
    attachments.some(({ places }) => places.some(({ listener }) => listener === reading)),
  ).length;
}

/** Conditions of ours that are absent where they do not hold, or where nobody can tell. */
const SOMETIMES: readonly string[] = ['OverlappingTLSConfig', 'SupportedVersion'];

/** Conditions of other writers stay; one of ours keeps the time since when it has been as it is. */
function conditions(
  verdicts: readonly Verdict[],
  before: readonly Condition[] = [],
  generation: number | undefined,
  now: string,
): readonly Condition[] {
  const own = verdicts.map((verdict): Condition => {
    const known = before.find(({ type }) => type === verdict.type);
    const since = known?.status === verdict.status ? known.lastTransitionTime : now;
    const observed = generation === undefined ? {} : { observedGeneration: generation };
    return { ...verdict, ...observed, lastTransitionTime: since };
  });
  const types = new Set([...verdicts.map(({ type }) => type), ...SOMETIMES]);
  return [...own, ...before.filter(({ type }) => !types.has(type))];
}

function addressOf(address: string): GatewayAddress {
  return { type: parseIp(address) === undefined ? 'Hostname' : 'IPAddress', value: address };
}

function canonical({ group, kind, namespace, name, sectionName, port }: RouteParentStatus['parentRef']): string {
  return JSON.stringify([group, kind, namespace, name, sectionName, port]);
}
