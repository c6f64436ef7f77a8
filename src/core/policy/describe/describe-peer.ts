import { formatCidr } from '../../../base/ip/index.ts';
import { EVERYTHING, formatSelector, selectorKey } from '../../kube/labels.ts';
import type { Selector } from '../../kube/labels.ts';
import type { NamespaceSet, Peer, PodSet, PortMatch, PortProtocol } from '../model.ts';
import type { DescribePhrases, Where } from './messages/catalogue.ts';

/** A set of pods in words. */
export function podsText({ namespaces, pods }: PodSet, say: DescribePhrases): string {
  return say.pods(labelsText(pods), whereOf(namespaces));
}

/** A peer in words. */
export function peerText(peer: Peer, say: DescribePhrases): string {
  switch (peer.kind) {
    case 'pods':
      return podsText(peer, say);
    case 'block':
      return peer.cidr.prefix === 0 && peer.except.length === 0
        ? say.everyAddress(peer.family)
        : say.block(formatCidr(peer.cidr), peer.except.map(formatCidr));
    case 'nodes':
      return say.nodes(labelsText(peer.nodes));
    case 'endpoints':
      return say.endpoints(labelsText(peer.selector));
    case 'service':
      return say.service(peer.key);
    case 'domain':
      return say.domain(peer.pattern.replace(/^\*\./, ''), peer.pattern.startsWith('*.'));
  }
}

/** Ports in words. A name that is meant under every protocol is said once. */
export function portsText(ports: readonly PortMatch[], say: DescribePhrases): string {
  const said = ports.map((port) => {
    if (port.kind === 'all') return say.allPorts(port.protocol);
    if (port.kind === 'range')
      return say.port(port.protocol, port.first === port.last ? `${port.first}` : `${port.first}-${port.last}`);
    return say.namedPort(isForEveryProtocol(ports, port.name) ? undefined : port.protocol, port.name);
  });
  return say.and([...new Set(said)]);
}

/** A selector for people; undefined when it selects everything. */
export function labelsText(selector: Selector): string | undefined {
  return selectorKey(selector) === selectorKey(EVERYTHING) ? undefined : formatSelector(selector);
}

function whereOf(namespaces: NamespaceSet): Where {
  if (namespaces.kind === 'name') return { kind: 'named', name: namespaces.name };
  const labels = labelsText(namespaces.selector);
  if (labels === undefined) return { kind: 'all' };
  // A namespace chosen by the label that holds its name is chosen by name.
  const name = /^kubernetes\.io\/metadata\.name=([^,\s]+)$/.exec(labels)?.[1];
  return name === undefined ? { kind: 'labelled', labels } : { kind: 'named', name };
}

function isForEveryProtocol(ports: readonly PortMatch[], name: string): boolean {
  const protocols: readonly PortProtocol[] = ['TCP', 'UDP', 'SCTP'];
  return protocols.every((protocol) =>
    ports.some((each) => each.kind === 'named' && each.name === name && each.protocol === protocol),
  );
}
