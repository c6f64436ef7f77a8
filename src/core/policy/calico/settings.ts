import { formatCidr } from '../../../base/ip/index.ts';
import { calicoNet } from '../../kube/calico-values.ts';
import type { FailsafePort, PolicySettings } from '../cluster.ts';
import type { PortProtocol } from '../model.ts';
import { onlyFields, readInteger } from '../normalise/fields.ts';
import type { PolicyObject } from '../normalise/registry.ts';
import { isRecord } from '../normalise/scope.ts';
import type { Locate } from '../normalise/scope.ts';
import type { Converted } from './converted.ts';
import { readProtocol } from './protocol.ts';
import { calicoScopeAt } from './scope.ts';
import type { CalicoScope } from './scope.ts';

const port = (protocol: PortProtocol, number: number): FailsafePort => ({ protocol, port: number });
/** BGP, etcd (two), Typha, the API server, etcd of old (two). */
const CONTROL_PLANE = [179, 2379, 2380, 5473, 6443, 6666, 6667].map((number) => port('TCP', number));

/**
 * What holds where no FelixConfiguration says otherwise. The ports are Calico's: besides the control plane's SSH and the
 * DHCP client inbound, DNS and the DHCP server outbound. Calico's own default for `endpointToHost` is to drop, but all its
 * installations set it to accept, and Kubernetes expects pods to reach their node.
 */
export const DEFAULT_SETTINGS: PolicySettings = {
  endpointToHost: 'accept',
  failsafeInbound: [port('TCP', 22), port('UDP', 68), ...CONTROL_PLANE],
  failsafeOutbound: [port('UDP', 53), port('UDP', 67), ...CONTROL_PLANE],
};

/**
 * The settings of a FelixConfiguration; the cluster's are those of the one named `default`. All its other fields are about
 * how Calico works, not about what it allows, and are not looked at.
 */
export function policySettings(object: PolicyObject, locate?: Locate): Converted<PolicySettings> {
  const scope = calicoScopeAt(object, locate);
  const spec = object.spec ?? {};
  const fields = isRecord(spec) ? spec : {};
  if (!isRecord(spec)) scope.report('spec', 'must be an object');
  const plainToNodes = readExclusions(fields['natOutgoingExclusions'], scope);
  const strays = readLoopPrevention(fields['serviceLoopPrevention'], scope);
  const value = {
    ...(plainToNodes ? { plainToNodes } : {}),
    ...(strays === undefined ? {} : { strayServicePackets: strays }),
    endpointToHost: readAction(fields['defaultEndpointToHostAction'], scope),
    failsafeInbound: readFailsafe(fields, 'failsafeInboundHostPorts', DEFAULT_SETTINGS.failsafeInbound, scope),
    failsafeOutbound: readFailsafe(fields, 'failsafeOutboundHostPorts', DEFAULT_SETTINGS.failsafeOutbound, scope),
  };
  return { value, issues: scope.issues };
}

/** Return leaves the packet to the rest of the node's firewall, which is none of ours. */
function readAction(value: unknown, scope: CalicoScope): PolicySettings['endpointToHost'] {
  if (value === undefined || value === null || value === '') return DEFAULT_SETTINGS.endpointToHost;
  const action = typeof value === 'string' ? value.toLowerCase() : '';
  if (action === 'accept' || action === 'return') return 'accept';
  if (action !== 'drop')
    scope.report('spec.defaultEndpointToHostAction', 'must be Drop, Accept or Return; until then it is Drop');
  return 'drop';
}

/** Whether nodes are among the destinations that are not masqueraded. */
function readExclusions(value: unknown, scope: CalicoScope): boolean {
  if (value === 'IPPoolsAndHostIPs') return true;
  if (value !== undefined && value !== null && value !== '' && value !== 'IPPoolsOnly')
    scope.report(
      'spec.natOutgoingExclusions',
      'must be IPPoolsOnly or IPPoolsAndHostIPs; until then it is IPPoolsOnly',
    );
  return false;
}

/** Undefined is Drop, the default. */
function readLoopPrevention(value: unknown, scope: CalicoScope): PolicySettings['strayServicePackets'] {
  if (value === 'Reject') return 'reject';
  if (value === 'Disabled') return 'route';
  if (value !== undefined && value !== null && value !== '' && value !== 'Drop')
    scope.report('spec.serviceLoopPrevention', 'must be Drop, Reject or Disabled; until then it is Drop');
  return undefined;
}

/** An empty list is none; an unreadable one the usual, lest a slip locks people out of their nodes. */
function readFailsafe(
  fields: Readonly<Record<string, unknown>>,
  name: string,
  usual: readonly FailsafePort[],
  scope: CalicoScope,
): readonly FailsafePort[] {
  const value = fields[name];
  if (value === undefined || value === null) return usual;
  if (!Array.isArray(value)) {
    scope.report(`spec.${name}`, 'must be a list of ports; until then the usual ports stay open');
    return usual;
  }
  return value.flatMap((entry: unknown, index) => {
    const read = readEntry(entry, `spec.${name}[${index}]`, scope);
    return read === undefined ? [] : [read];
  });
}

function readEntry(value: unknown, path: string, scope: CalicoScope): FailsafePort | undefined {
  if (!isRecord(value)) return scope.report(path, 'must be an object with protocol and port');
  if (!onlyFields(value, ['protocol', 'port', 'net'], path, scope)) return undefined;
  const protocol = readProtocol(value['protocol'] ?? 'TCP', `${path}.protocol`, scope);
  if (protocol === undefined || protocol === 'unreadable') return undefined;
  if (protocol.withPorts === undefined) return scope.report(`${path}.protocol`, 'must be TCP, UDP or SCTP');
  const number = readInteger(value['port'], [1, 65535], `${path}.port`, scope);
  if (number === undefined) return undefined;
  const { net } = value;
  if (net === undefined || net === null || net === '') return port(protocol.withPorts, number);
  const block = calicoNet(net);
  if (block === undefined) return scope.report(`${path}.net`, 'must be a block of addresses such as 10.9.8.0/24');
  return { ...port(protocol.withPorts, number), net: formatCidr(block) };
}
