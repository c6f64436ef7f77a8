import type { PodEndpoint } from '../../core/policy/cluster.ts';
import type { PortProtocol } from '../../core/policy/model.ts';
import { ALL_ICMP, ALL_PORTS, NO_PORTS, portRange, union } from '../../core/reach/index.ts';
import type { PortSet } from '../../core/reach/index.ts';
import type { PortSpec } from '../party/party-set.ts';

/** The ports of an assertion; undefined is all traffic. */
export type WantedPorts = readonly PortSpec[] | undefined;

/** What the ports mean at a destination; a name means nothing at what is no pod. */
export function wantedPorts(ports: WantedPorts, destination: PodEndpoint | undefined): PortSet {
  if (ports === undefined) return ALL_PORTS;
  return ports.map((each) => portsOf(each, destination)).reduce(union, NO_PORTS);
}

function portsOf(spec: PortSpec, destination: PodEndpoint | undefined): PortSet {
  const protocol = spec.protocol as PortProtocol;
  switch (spec.kind) {
    case 'protocol':
      return spec.protocol === 'ICMP' ? ALL_ICMP : portRange(protocol);
    case 'range':
      return portRange(protocol, spec.first, spec.last);
    case 'named':
      return (destination?.ports ?? [])
        .filter((port) => port.name === spec.name && port.protocol === protocol)
        .map(({ port }) => portRange(protocol, port, port))
        .reduce(union, NO_PORTS);
  }
}
