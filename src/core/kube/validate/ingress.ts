import { parseIp } from '../../../base/ip/index.ts';
import {
  child,
  integer,
  isPresent,
  items,
  oneOf,
  reject,
  rejectAll,
  rejectMissing,
  requireText,
  text,
} from './field.ts';
import type { Field } from './field.ts';
import { dns1123Subdomain, dns1035Label, portName, portNumber, wildcardSubdomain } from './names.ts';

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

/** Checks a `networking.k8s.io/v1` Ingress: rules, paths, backends, TLS hosts. */
export function validateIngress(object: Field): void {
  const spec = child(object, 'spec');
  const backend = child(spec, 'defaultBackend');
  const rules = items(child(spec, 'rules'));
  if (rules.length === 0 && !isPresent(backend))
    reject({ ...spec, value: spec.value ?? {} }, 'either `defaultBackend` or `rules` must be specified');
  if (isPresent(backend)) validateBackend(backend);
  for (const rule of rules) validateRule(rule);
  for (const tls of items(child(spec, 'tls'))) for (const host of items(child(tls, 'hosts'))) validateHost(host);
}

function validateRule(rule: Field): void {
  const host = child(rule, 'host');
  if (text(host) !== undefined) validateHost(host);
  const http = child(rule, 'http');
  if (!isPresent(http)) return;
  const paths = items(child(http, 'paths'));
  if (paths.length === 0) rejectMissing(child(http, 'paths'));
  for (const path of paths) {
    const type = child(path, 'pathType');
    if (requireText(type, 'pathType must be specified') !== undefined) oneOf(type, PATH_TYPES);
    const value = child(path, 'path');
    const route = text(value);
    const absolute = route?.startsWith('/') === true;
    if (!absolute && (route !== undefined || type.value !== 'ImplementationSpecific'))
      reject({ ...value, value: route ?? '' }, 'must be an absolute path');
    validateBackend(child(path, 'backend'));
  }
}

function validateHost(host: Field): void {
  const value = text(host) ?? '';
  if (parseIp(value) !== undefined) reject(host, 'must be a DNS name, not an IP address');
  else rejectAll(host, value.includes('*') ? wildcardSubdomain(value) : dns1123Subdomain(value));
}

function validateBackend(backend: Field): void {
  const service = child(backend, 'service');
  const resource = child(backend, 'resource');
  if (isPresent(service) && isPresent(resource))
    reject({ ...backend, value: '' }, 'cannot set both resource and service backends');
  else if (isPresent(service)) validateServiceBackend(service);
  else if (!isPresent(resource)) rejectMissing(backend, 'resource or service backend is required');
}

function validateServiceBackend(service: Field): void {
  const name = child(service, 'name');
  const nameText = requireText(name);
  if (nameText !== undefined) rejectAll(name, dns1035Label(nameText));
  const port = child(service, 'port');
  const portText = text(child(port, 'name'));
  const number = integer(child(port, 'number'));
  if (portText !== undefined && number !== undefined) reject(port, 'cannot set both port name & port number');
  else if (portText !== undefined) rejectAll(child(port, 'name'), portName(portText));
  else if (number !== undefined) rejectAll(child(port, 'number'), portNumber(number));
  else rejectMissing(port, 'port name or number is required');
}
