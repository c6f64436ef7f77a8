import { parseIp } from '../../../base/ip/index.ts';
import { child, items, oneOf, reject, rejectAll, rejectMissing, requireText, text, unique } from './field.ts';
import type { Field } from './field.ts';
import { validatePortNumber } from './metadata.ts';
import { dns1123Label, dns1123Subdomain, portNumber } from './names.ts';
import { PORT_PROTOCOLS } from './network-policy.ts';

/** Checks an EndpointSlice: kubernetes/pkg/apis/discovery/validation. */
export function validateEndpointSlice(object: Field): void {
  const type = child(object, 'addressType');
  if (requireText(type) !== undefined) oneOf(type, ['FQDN', 'IPv4', 'IPv6']);
  for (const endpoint of items(child(object, 'endpoints'))) {
    const addresses = child(endpoint, 'addresses');
    const list = items(addresses);
    if (list.length === 0) rejectMissing(addresses, 'must contain at least 1 address');
    for (const address of list) validateAddress(address, type.value);
  }
  const ports = items(child(object, 'ports'));
  for (const port of ports) {
    const name = child(port, 'name');
    const nameText = text(name);
    if (nameText !== undefined) rejectAll(name, dns1123Label(nameText));
    validatePortNumber(child(port, 'port'), portNumber);
    oneOf(child(port, 'protocol'), PORT_PROTOCOLS);
  }
  unique(
    ports.map((port) => child(port, 'name')),
    (name) => text(name) ?? '',
  );
}

function validateAddress(address: Field, type: unknown): void {
  const value = text(address) ?? '';
  if (type === 'FQDN') rejectAll(address, dns1123Subdomain(value));
  const family = type === 'IPv4' ? 4 : type === 'IPv6' ? 6 : undefined;
  if (family !== undefined && parseIp(value)?.family !== family)
    reject({ ...address, value }, `must be a valid ${family === 4 ? 'IPv4' : 'IPv6'} address`);
}
