import { parseIp } from '../../../base/ip/index.ts';
import type { HostEndpointInfo, NamedPort } from '../cluster.ts';
import { onlyFields, readInteger } from '../normalise/fields.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import { isRecord, readList } from '../normalise/scope.ts';
import type { Locate } from '../normalise/scope.ts';
import type { Converted } from './converted.ts';
import { readProtocol } from './protocol.ts';
import { calicoScopeAt } from './scope.ts';
import type { CalicoScope } from './scope.ts';

const FIELDS = ['node', 'interfaceName', 'expectedIPs', 'profiles', 'ports'];

/**
 * A Calico HostEndpoint; none without a node, or with neither an interface nor an address by which to find one. Parts of
 * its lists that cannot be read are left out.
 */
export function hostEndpoint(object: PolicyObject, locate?: Locate): Converted<HostEndpointInfo> {
  const scope = calicoScopeAt(object, locate);
  const { issues, name } = scope;
  const { spec } = object;
  if (!isRecord(spec)) scope.report('spec', 'must be an object');
  const fields = isRecord(spec) ? spec : {};
  onlyFields(fields, FIELDS, 'spec', scope);
  const node = text(fields, 'node', scope);
  const interfaceName = text(fields, 'interfaceName', scope);
  const expectedIps = entries(fields, 'expectedIPs', scope, (entry, path) =>
    typeof entry === 'string'
      ? (parseIp(entry) ?? scope.report(path, NOT_AN_ADDRESS))
      : scope.report(path, NOT_AN_ADDRESS),
  );
  const profiles = entries(fields, 'profiles', scope, (entry, path) =>
    typeof entry === 'string' ? entry : scope.report(path, 'must be the name of a profile'),
  );
  const ports = entries(fields, 'ports', scope, (entry, path) => readPort(entry, path, scope));
  if (node === undefined) scope.report('spec.node', 'must be the name of a node');
  if (interfaceName === undefined && expectedIps.length === 0)
    scope.report('spec', 'needs interfaceName or expectedIPs, by which the interface is found');
  if (node === undefined || (interfaceName === undefined && expectedIps.length === 0))
    return { value: undefined, issues };
  const found = interfaceName === undefined ? {} : { interface: interfaceName };
  const labels = object.metadata?.labels ?? {};
  return { value: { key: name, name, node, ...found, expectedIps, labels, ports, profiles }, issues };
}

const NOT_AN_ADDRESS = 'must be an address such as 10.9.8.7 or 2001:db8::1';

function text(fields: Readonly<Record<string, unknown>>, name: string, scope: CalicoScope): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'string' ? value : scope.report(`spec.${name}`, 'must be text');
}

function entries<T>(
  fields: Readonly<Record<string, unknown>>,
  name: string,
  scope: CalicoScope,
  read: (entry: unknown, path: string) => T | undefined,
): T[] {
  const path = `spec.${name}`;
  return (readList(fields[name], scope, path) ?? []).flatMap((entry, index) => {
    const value = read(entry, `${path}[${index}]`);
    return value === undefined ? [] : [value];
  });
}

function readPort(value: unknown, path: string, scope: CalicoScope): NamedPort | undefined {
  if (!isRecord(value)) return scope.report(path, 'must be an object with name, protocol and port');
  if (!onlyFields(value, ['name', 'protocol', 'port'], path, scope)) return undefined;
  const { name } = value;
  if (typeof name !== 'string' || name === '') return scope.report(`${path}.name`, 'must be the name of the port');
  const protocol = readProtocol(value['protocol'], `${path}.protocol`, scope);
  if (protocol === 'unreadable') return undefined;
  if (protocol?.withPorts === undefined) return scope.report(`${path}.protocol`, 'must be TCP, UDP or SCTP');
  const port = readInteger(value['port'], [1, 65535], `${path}.port`, scope);
  return port === undefined ? undefined : { name, protocol: protocol.withPorts, port };
}
