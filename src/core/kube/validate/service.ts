import { cidrContains, parseCidr, parseIp } from '../../../base/ip/index.ts';
import { duplicate } from '../field-error.ts';
import {
  child,
  descend,
  integer,
  isPresent,
  items,
  keys,
  oneOf,
  reject,
  rejectAll,
  rejectForbidden,
  rejectMissing,
  requireText,
  text,
  unique,
} from './field.ts';
import type { Field } from './field.ts';
import { validateLabels, validatePortNumber } from './metadata.ts';
import { cidrBlock, dns1123Label, dns1123Subdomain, ipAddress, portName, portNumber } from './names.ts';
import { PORT_PROTOCOLS } from './network-policy.ts';

/** Ports that NodePort Services may take: the default of `--service-node-port-range`. */
const NODE_PORT_RANGE = { first: 30000, last: 32767 } as const;

/** Longest time that a Service remembers a client, seconds (core/v1 MaxClientIPServiceAffinitySeconds). */
const LONGEST_AFFINITY = 86_400;

/** Addresses that stand for no host beyond the node or its link. */
const SPECIAL_RANGES = [
  [['0.0.0.0/32', '::/128'], 'may not be unspecified (0.0.0.0 or ::)'],
  [['127.0.0.0/8', '::1/128'], 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  [['169.254.0.0/16', 'fe80::/10'], 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  [['224.0.0.0/24', 'ff02::/16'], 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/16)'],
] as const;

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

/** Checks a Service: kubernetes/pkg/apis/core/validation ValidateService. */
export function validateService(object: Field): void {
  const spec = child(object, 'spec');
  const type = child(spec, 'type');
  oneOf(type, TYPES);
  validateLabels(child(spec, 'selector'));
  oneOf(child(spec, 'sessionAffinity'), ['ClientIP', 'None']);
  oneOf(child(spec, 'trafficDistribution'), ['PreferClose', 'PreferSameNode', 'PreferSameZone']);
  for (const name of ['externalTrafficPolicy', 'internalTrafficPolicy']) oneOf(child(spec, name), ['Cluster', 'Local']);
  oneOf(child(spec, 'ipFamilyPolicy'), ['PreferDualStack', 'RequireDualStack', 'SingleStack']);
  const families = items(child(spec, 'ipFamilies'));
  for (const family of families) oneOf(family, ['IPv4', 'IPv6']);
  unique(families, text);
  for (const ip of items(child(spec, 'externalIPs'))) rejectAll(ip, externalAddress(text(ip) ?? ''));
  if (child(spec, 'sessionAffinity').value === 'ClientIP') validateAffinityTime(spec);
  validateOutside(spec);
  if (type.value === 'ExternalName') validateExternalName(spec);
  else validateClusterIps(spec);
  validatePorts(spec);
}

function externalAddress(value: string): string[] {
  const ip = parseIp(value);
  if (ip === undefined) return ipAddress(value);
  const range = SPECIAL_RANGES.find(([cidrs]) => cidrs.some((cidr) => cidrContains(parseCidr(cidr)!, ip)));
  return range === undefined ? [] : [range[1]];
}

function validateAffinityTime(spec: Field): void {
  const time = descend(spec, 'sessionAffinityConfig.clientIP.timeoutSeconds');
  const seconds = integer(time);
  if (seconds !== undefined && (seconds < 1 || seconds > LONGEST_AFFINITY))
    reject(time, `must be from 1 to ${LONGEST_AFFINITY} seconds`);
}

/** What is said of clients outside needs a way for them to come in. */
function validateOutside(spec: Field): void {
  const type = child(spec, 'type').value ?? 'ClusterIP';
  const policy = child(spec, 'externalTrafficPolicy');
  const external = child(spec, 'externalIPs').value;
  const hasExternal = Array.isArray(external) && external.length > 0;
  const isReached = type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && hasExternal);
  if (text(policy) !== undefined && !isReached) reject(policy, 'may only be set for externally-accessible services');
  const health = child(spec, 'healthCheckNodePort');
  if ((integer(health) ?? 0) !== 0 && !(type === 'LoadBalancer' && policy.value === 'Local'))
    reject(health, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
  const sources = child(spec, 'loadBalancerSourceRanges');
  const ranges = items(sources);
  if (ranges.length > 0 && type !== 'LoadBalancer')
    rejectForbidden(sources, "may only be used when `type` is 'LoadBalancer'");
  for (const range of ranges) rejectAll(range, cidrBlock((text(range) ?? '').trim()));
}

function validateExternalName(spec: Field): void {
  const name = child(spec, 'externalName');
  const nameText = requireText(name);
  if (nameText !== undefined) rejectAll(name, dns1123Subdomain(nameText.replace(/\.$/, '')));
  for (const field of [child(spec, 'clusterIP'), child(spec, 'clusterIPs')])
    if (isPresent(field) && field.value !== '') rejectForbidden(field, 'may not be set for ExternalName services');
}

function validateClusterIps(spec: Field): void {
  const single = child(spec, 'clusterIP');
  const list = items(child(spec, 'clusterIPs'));
  for (const ip of list.length > 0 ? list : [single]) {
    const value = text(ip);
    if (value === 'None' && list.length > 1)
      reject(child(spec, 'clusterIPs'), "'None' must be the first and only value");
    else if (value !== undefined && value !== 'None' && parseIp(value) === undefined)
      reject(ip, "must be empty, 'None', or a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  }
  const first = list[0];
  if (first !== undefined && text(single) !== undefined && first.value !== single.value)
    reject(child(spec, 'clusterIPs'), 'first value must match `clusterIP`');
}

function validatePorts(spec: Field): void {
  const ports = items(child(spec, 'ports'));
  const type = child(spec, 'type').value ?? 'ClusterIP';
  const headless = child(spec, 'clusterIP').value === 'None';
  if (ports.length === 0 && !headless && type !== 'ExternalName') rejectMissing(child(spec, 'ports'));
  for (const port of ports) validatePort(port, { nameless: ports.length === 1, type });
  unique(
    ports.map((port) => child(port, 'name')),
    text,
  );
  rejectRepeated(ports, 'port', (port) => port.path);
  rejectRepeated(ports, 'nodePort', (port) => child(port, 'nodePort').path);
}

function validatePort(port: Field, { nameless, type }: { nameless: boolean; type: unknown }): void {
  const name = child(port, 'name');
  const nameText = text(name);
  if (nameText !== undefined) rejectAll(name, dns1123Label(nameText));
  else if (!nameless) rejectMissing(name);
  const number = child(port, 'port');
  validatePortNumber({ ...number, value: number.value ?? 0 }, portNumber);
  oneOf(child(port, 'protocol'), PORT_PROTOCOLS);
  const target = child(port, 'targetPort');
  if (typeof target.value === 'string' && target.value !== '') rejectAll(target, portName(target.value));
  else if (target.value !== 0 && target.value !== '') validatePortNumber(target, portNumber);
  const nodePort = child(port, 'nodePort');
  if (!isPresent(nodePort) || nodePort.value === 0) return;
  if (type === 'ClusterIP' || type === 'ExternalName')
    rejectForbidden(nodePort, `may not be used when \`type\` is '${type}'`);
  else validatePortNumber(nodePort, nodePortProblems);
}

function nodePortProblems(value: number): string[] {
  const { first, last } = NODE_PORT_RANGE;
  if (value >= first && value <= last) return [];
  return [`provided port is not in the valid range. The range of valid ports is ${first}-${last}`];
}

/** Two ports of a Service cannot share number and protocol. */
function rejectRepeated(ports: readonly Field[], name: string, at: (port: Field) => string): void {
  const seen = new Set<string>();
  for (const port of ports) {
    keys(port);
    const number = child(port, name).value;
    if (typeof number !== 'number' || number === 0) continue;
    const protocol = text(child(port, 'protocol')) ?? 'TCP';
    const key = `${protocol}/${number}`;
    if (seen.has(key)) port.errors.push(duplicate(at(port), { [name]: number, protocol }));
    seen.add(key);
  }
}
