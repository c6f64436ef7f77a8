import { calicoPeers } from './calico-peer.ts';
import { isObject } from './conversion.ts';
import type { FieldRemark, JsonObject } from './conversion.ts';

/** What the rules of one policy are converted with. */
export interface RuleContext {
  readonly namespace: string;
  /** Network sets of the input: selectors of Calico choose them too. */
  readonly networkSets: readonly JsonObject[];
  /** Collects what stands in the way. */
  readonly problems: FieldRemark[];
}

/** Why a field cannot be said in a NetworkPolicy, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  notProtocol: 'a NetworkPolicy names the protocols that it allows: list them',
  icmp: 'a NetworkPolicy cannot allow ICMP alone: keep the Calico policy',
  notICMP: 'a NetworkPolicy cannot allow ICMP alone: keep the Calico policy',
  http: 'a NetworkPolicy knows addresses and ports, not HTTP: keep it, or leave it to a proxy',
};
const ACTIONS: Readonly<Record<string, string>> = {
  Deny: 'a NetworkPolicy only allows. What it does not allow is denied, but this rule also overrides the policies after it; leave it out if there are none',
  Pass: 'a NetworkPolicy only allows, and there is no tier that it could pass to',
  Log: 'a NetworkPolicy cannot log: leave the rule out',
};
const FIELDS = ['action', 'protocol', 'ipVersion', 'source', 'destination', 'metadata'];
const PROTOCOLS: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  ['TCP', 'TCP'],
  ['UDP', 'UDP'],
  ['SCTP', 'SCTP'],
  [6, 'TCP'],
  [17, 'UDP'],
  [132, 'SCTP'],
]);

/** One rule in Kubernetes' form; problems are collected, and the result then means nothing. */
export function calicoRule(
  rule: unknown,
  direction: 'ingress' | 'egress',
  path: string,
  context: RuleContext,
): JsonObject {
  const { problems } = context;
  if (!isObject(rule)) {
    problems.push({ path, message: 'must be an object' });
    return {};
  }
  for (const name of Object.keys(rule)) {
    if (FIELDS.includes(name) || rule[name] === null) continue;
    problems.push({
      path: `${path}.${name}`,
      message: REFUSED[name] ?? 'unknown field, so what the rule means is not certain',
    });
  }
  const { action } = rule;
  if (action !== 'Allow')
    problems.push({ path: `${path}.action`, message: ACTIONS[String(action)] ?? 'must be Allow, Deny, Pass or Log' });
  const [own, other] = direction === 'ingress' ? ['destination', 'source'] : ['source', 'destination'];
  const ownFields = direction === 'ingress' ? ['ports'] : [];
  for (const name of Object.keys(asObject(rule[own!], `${path}.${own}`, problems))) {
    if (!ownFields.includes(name))
      problems.push({
        path: `${path}.${own}.${name}`,
        message: "this is the pod's own side, which spec.selector chooses: move it there, into a policy of its own",
      });
  }
  const peers = calicoPeers(
    asObject(rule[other!], `${path}.${other}`, problems),
    rule['ipVersion'],
    `${path}.${other}`,
    context,
  );
  const ports = portsOf(rule, path, problems);
  return {
    ...(peers === 'any' ? {} : { [direction === 'ingress' ? 'from' : 'to']: peers }),
    ...(ports.length === 0 ? {} : { ports }),
  };
}

function asObject(value: unknown, path: string, problems: FieldRemark[]): JsonObject {
  if (value === undefined || value === null) return {};
  if (isObject(value)) return value;
  problems.push({ path, message: 'must be an object' });
  return {};
}

function portsOf(rule: JsonObject, path: string, problems: FieldRemark[]): readonly JsonObject[] {
  const { protocol: given, destination } = rule;
  const ports = isObject(destination) ? destination['ports'] : undefined;
  const listed = Array.isArray(ports) ? (ports as unknown[]) : [];
  if (given === undefined || given === null) {
    if (listed.length > 0) problems.push({ path: `${path}.protocol`, message: 'must be set when there are ports' });
    return [];
  }
  const protocol = PROTOCOLS.get(given);
  if (protocol === undefined) {
    problems.push({
      path: `${path}.protocol`,
      message: 'a NetworkPolicy with protocols knows TCP, UDP and SCTP only: keep the Calico policy',
    });
    return [];
  }
  if (listed.length === 0) return [{ protocol }];
  return listed.map((port, index) => ({ protocol, ...portOf(port, `${path}.destination.ports[${index}]`, problems) }));
}

/** A number, a range such as `8000:8100`, or the name of a container port. */
function portOf(port: unknown, path: string, problems: FieldRemark[]): JsonObject {
  const text = String(port);
  const range = /^(\d+)(?::(\d+))?$/.exec(text);
  const first = Number(range?.[1]);
  const last = Number(range?.[2] ?? range?.[1]);
  if (range !== null && first >= 1 && first <= last && last <= 65_535)
    return { port: first, ...(last === first ? {} : { endPort: last }) };
  if (range === null && typeof port === 'string' && /^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/.test(port))
    return { port };
  problems.push({
    path,
    message: 'must be a port from 1 to 65535, a range such as 8000:8100, or the name of a container port',
  });
  return {};
}
