import { formatCidr } from '../../base/ip/index.ts';
import { formatSelector, type Selector } from '../../core/kube/labels.ts';
import type { NamespaceFilter, PartySet, PortSpec } from './party-set.ts';

/** A set of parties in a few words, as a spec would name it. */
export function describeParty(set: PartySet): string {
  switch (set.kind) {
    case 'any':
    case 'outside':
    case 'nodes':
      return set.kind;
    case 'block':
      return formatCidr(set.cidr);
    case 'node':
      return `node/${set.name}`;
    case 'pod':
      return `${set.namespace}/${set.name}`;
    case 'workload':
      return `${set.namespace}/${set.workload}/${set.name}`;
    case 'service':
      return `${set.namespace}/service/${set.name}`;
    case 'pods':
      return describePods(set.namespaces, set.pods);
    case 'union':
      return set.of.map(describeParty).join(', ');
    case 'not':
      return set.of.kind === 'union' ? `not (${describeParty(set.of)})` : `not ${describeParty(set.of)}`;
  }
}

/** ` TCP 80, http`; nothing when every port is meant. */
export function describePorts(ports: readonly PortSpec[] | undefined): string {
  if (ports === undefined) return '';
  const protocol = ports[0]?.protocol ?? '';
  const numbers = ports.flatMap((port) => {
    if (port.kind === 'protocol') return [];
    if (port.kind === 'named') return [port.name];
    return [port.first === port.last ? String(port.first) : `${port.first}-${port.last}`];
  });
  return ` ${[protocol, numbers.join(', ')].filter((each) => each !== '').join(' ')}`;
}

function describePods(namespaces: NamespaceFilter, pods: Selector): string {
  const which = formatSelector(pods);
  const what = which === '<all>' ? 'pods' : `pods ${which}`;
  switch (namespaces.kind) {
    case 'all':
      return what;
    case 'names':
      return `${what} in ${namespaces.names.join(', ')}`;
    case 'labels':
      return `${what} in namespaces ${formatSelector(namespaces.selector)}`;
  }
}
