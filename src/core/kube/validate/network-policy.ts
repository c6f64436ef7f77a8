import { cidrContains, parseCidr } from '../../../base/ip/index.ts';
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
} from './field.ts';
import type { Field } from './field.ts';
import { validateSelector } from './metadata.ts';
import { cidrBlock, portName, portNumber } from './names.ts';

/** Protocols that a port may have, in Services, containers and policies. */
export const PORT_PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;

/** Checks `spec` of a NetworkPolicy: kubernetes/pkg/apis/networking/validation. */
export function validateNetworkPolicy(object: Field): void {
  const spec = child(object, 'spec');
  validateSelector(child(spec, 'podSelector'));
  for (const [direction, side] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const) {
    for (const rule of items(child(spec, direction))) {
      keys(rule);
      items(child(rule, 'ports')).forEach(validatePort);
      items(child(rule, side)).forEach(validatePeer);
    }
  }
  const types = items(descend(spec, 'policyTypes'));
  if (types.length > 2) reject(child(spec, 'policyTypes'), 'may not specify more than two policyTypes');
  else for (const type of types) oneOf(type, ['Ingress', 'Egress']);
}

function validatePort(entry: Field): void {
  keys(entry);
  oneOf(child(entry, 'protocol'), PORT_PROTOCOLS);
  const port = child(entry, 'port');
  const endPort = child(entry, 'endPort');
  if (!isPresent(port)) {
    if (isPresent(endPort)) reject(endPort, 'may not be specified when `port` is not specified');
  } else if (typeof port.value === 'string') {
    if (isPresent(endPort)) reject(endPort, 'may not be specified when `port` is non-numeric');
    rejectAll(port, portName(port.value));
  } else validateRange(port, endPort);
}

function validateRange(port: Field, endPort: Field): void {
  const first = integer(port);
  if (first === undefined) return;
  rejectAll(port, portNumber(first));
  const last = integer(endPort);
  if (last === undefined) return;
  if (last < first) reject(endPort, 'must be greater than or equal to `port`');
  rejectAll(endPort, portNumber(last));
}

function validatePeer(peer: Field): void {
  keys(peer);
  const selectors = [child(peer, 'podSelector'), child(peer, 'namespaceSelector')].filter(isPresent);
  selectors.forEach(validateSelector);
  const block = child(peer, 'ipBlock');
  if (isPresent(block)) validateBlock(block);
  if (selectors.length === 0 && !isPresent(block)) rejectMissing(peer, 'must specify a peer');
  else if (selectors.length > 0 && isPresent(block))
    rejectForbidden(peer, 'may not specify both ipBlock and another peer');
}

function validateBlock(block: Field): void {
  keys(block);
  const field = child(block, 'cidr');
  const cidrText = requireText(field);
  if (cidrText === undefined) return;
  rejectAll(field, cidrBlock(cidrText));
  const cidr = parseCidr(cidrText);
  if (cidr === undefined) return;
  for (const except of items(child(block, 'except'))) {
    const exceptText = text(except) ?? '';
    const hole = parseCidr(exceptText);
    rejectAll(except, cidrBlock(exceptText));
    if (hole !== undefined && !(cidrContains(cidr, hole.ip) && hole.prefix > cidr.prefix))
      reject(except, 'must be a strict subset of `cidr`');
  }
}
