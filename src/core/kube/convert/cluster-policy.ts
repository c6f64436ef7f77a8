import { isObject, mapFields, outcome, writtenMetadata } from './conversion.ts';
import type { Conversion, FieldRemark, JsonObject } from './conversion.ts';

/** What a ClusterNetworkPolicy may have of rules in a direction, of peers and protocols in a rule: the API's own limits. */
const LIMIT = 25;
const BASELINE_PRIORITY = 1000;

/** An AdminNetworkPolicy of `v1alpha1` as a ClusterNetworkPolicy of `v1alpha2`, tier Admin. */
export function convertAdminNetworkPolicy(object: JsonObject): Conversion {
  return convert(object, (spec) => ({ tier: 'Admin', priority: spec['priority'] }), []);
}

/** The BaselineAdminNetworkPolicy as a ClusterNetworkPolicy of tier Baseline, which comes after all others there. */
export function convertBaselineAdminNetworkPolicy(object: JsonObject): Conversion {
  const { metadata } = object;
  if (!isObject(metadata) || metadata['name'] !== 'default') {
    const only = 'must be default: under another name it was never in force';
    return { kind: 'refused', problems: [{ path: 'metadata.name', message: only }] };
  }
  const message = `it comes after every other policy of the Baseline tier: priority ${BASELINE_PRIORITY} keeps that as long as no other has it`;
  return convert(object, () => ({ tier: 'Baseline', priority: BASELINE_PRIORITY }), [{ path: 'spec', message }]);
}

function convert(
  object: JsonObject,
  place: (spec: JsonObject) => JsonObject,
  remarks: readonly FieldRemark[],
): Conversion {
  const { spec } = object;
  if (!isObject(spec)) return outcome(object, [{ path: 'spec', message: 'must be an object' }]);
  const problems: FieldRemark[] = [];
  const { priority: _, ...rest } = spec;
  const converted = {
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: writtenMetadata(object['metadata']),
    spec: {
      ...place(spec),
      ...mapFields(rest, (name, value) => {
        if (name !== 'ingress' && name !== 'egress') return [name, value];
        return [name, convertList(value, `spec.${name}`, problems, (rule, path) => convertRule(rule, path, problems))];
      }),
    },
  };
  return outcome(converted, problems, remarks);
}

function convertRule(rule: unknown, path: string, problems: FieldRemark[]): unknown {
  if (!isObject(rule)) return wrong(problems, path, 'must be an object');
  return mapFields(rule, (name, value) => {
    const at = `${path}.${name}`;
    if (name === 'action') return [name, value === 'Allow' ? 'Accept' : value];
    if (name === 'from' || name === 'to') return [name, convertList(value, at, problems, (peer) => peer)];
    if (name !== 'ports') return [name, value];
    if (value === null) return undefined;
    if (Array.isArray(value) && value.length === 0)
      return [
        name,
        wrong(problems, at, 'is empty, which may mean every port or none: leave it out, or list the ports'),
      ];
    return ['protocols', convertList(value, at, problems, (port, where) => convertPort(port, where, problems))];
  });
}

function convertPort(port: unknown, path: string, problems: FieldRemark[]): unknown {
  if (!isObject(port) || Object.keys(port).length !== 1)
    return wrong(problems, path, 'must have exactly one of portNumber, portRange, namedPort');
  const { namedPort, portNumber, portRange } = port;
  if (typeof namedPort === 'string') return { destinationNamedPort: namedPort };
  const numbers = isObject(portNumber) ? portNumber : isObject(portRange) ? portRange : undefined;
  if (numbers === undefined) return wrong(problems, path, 'must have exactly one of portNumber, portRange, namedPort');
  const protocol = PROTOCOLS.get(numbers['protocol'] ?? 'TCP');
  if (protocol === undefined) return wrong(problems, `${path}.protocol`, 'must be TCP, UDP or SCTP');
  const { port: number, start, end } = numbers;
  const single = numbers === portNumber ? number : start === end ? start : undefined;
  return { [protocol]: { destinationPort: single === undefined ? { range: { start, end } } : { number: single } } };
}

const PROTOCOLS: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  ['TCP', 'tcp'],
  ['UDP', 'udp'],
  ['SCTP', 'sctp'],
]);

function convertList(
  list: unknown,
  path: string,
  problems: FieldRemark[],
  convertItem: (item: unknown, path: string) => unknown,
): unknown {
  if (list === null || list === undefined) return list;
  if (!Array.isArray(list)) return wrong(problems, path, 'must be a list');
  if (list.length > LIMIT)
    wrong(problems, path, `has ${list.length} entries and ClusterNetworkPolicy takes ${LIMIT}: split it first`);
  return list.map((item, index) => convertItem(item, `${path}[${index}]`));
}

function wrong(problems: FieldRemark[], path: string, message: string): undefined {
  problems.push({ path, message });
  return undefined;
}
