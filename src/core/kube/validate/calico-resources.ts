import { calicoNet, calicoProtocol } from '../calico-values.ts';
import { NOT_A_NET, addressField, netFields } from './calico-fields.ts';
import { validateCalicoRule } from './calico-rule.ts';
import {
  child,
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
import { portName, portNumber } from './names.ts';

/** Tiers whose order is not for anybody to choose. */
const FIXED_ORDERS: Readonly<Record<string, number>> = {
  default: 1_000_000,
  'kube-admin': 1_000,
  'kube-baseline': 10_000_000,
  adminnetworkpolicy: 1_000,
  baselineadminnetworkpolicy: 10_000_000,
};
const WITH_PORTS = [6, 17, 132];

/** Checks a Calico Tier. */
export function validateTier(object: Field): void {
  const order = child(child(object, 'spec'), 'order');
  if (isPresent(order) && typeof order.value !== 'number')
    order.errors.push({ type: 'TypeInvalid', path: order.path, value: order.value, detail: 'must be a number' });
  const name = String(child(child(object, 'metadata'), 'name').value);
  const fixed = Object.hasOwn(FIXED_ORDERS, name) ? FIXED_ORDERS[name] : undefined;
  if (fixed !== undefined && isPresent(order) && order.value !== fixed)
    reject(order, `the tier ${name} always has the order ${fixed}`);
  oneOf(child(child(object, 'spec'), 'defaultAction'), ['Deny', 'Pass']);
}

/** Checks a Calico NetworkSet or GlobalNetworkSet. */
export function validateNetworkSet(object: Field): void {
  netFields(child(child(object, 'spec'), 'nets'), false);
  const label = 'projectcalico.org/namespace';
  const labels = child(child(object, 'metadata'), 'labels');
  if (keys(labels).includes(label))
    rejectForbidden({ ...labels, path: `${labels.path}[${label}]` }, 'is given by the namespace and may not be set');
}

/** Checks a Calico HostEndpoint. */
export function validateHostEndpoint(object: Field): void {
  const spec = child(object, 'spec');
  requireText(child(spec, 'node'), 'must name a node');
  const interfaceName = child(spec, 'interfaceName');
  const name = text(interfaceName);
  if (name !== undefined && name !== '*' && !/^[a-zA-Z0-9_.-]{1,15}$/.test(name))
    reject(
      interfaceName,
      'must be * or the name of an interface: at most 15 letters, digits, dots, dashes, underscores',
    );
  const addresses = items(child(spec, 'expectedIPs'));
  addresses.forEach(addressField);
  if (name === undefined && addresses.length === 0)
    rejectMissing(interfaceName, 'must be set, or expectedIPs by which the interface is found');
  items(child(spec, 'profiles')).forEach((profile) => requireText(profile));
  for (const port of items(child(spec, 'ports'))) {
    keys(port);
    const called = child(port, 'name');
    rejectAll(called, portName(requireText(called) ?? 'x'));
    portProtocol(child(port, 'protocol'), true);
    requirePort(child(port, 'port'));
  }
}

/** Checks a Calico Profile. */
export function validateProfile(object: Field): void {
  const spec = child(object, 'spec');
  for (const direction of ['ingress', 'egress'] as const)
    for (const rule of items(child(spec, direction))) validateCalicoRule(rule, { direction, namespaced: false });
  keys(child(spec, 'labelsToApply'));
}

/** Checks what is policy of a Calico FelixConfiguration. */
export function validateFelixConfiguration(object: Field): void {
  const spec = child(object, 'spec');
  const action = child(spec, 'defaultEndpointToHostAction');
  if (!/^(drop|accept|return)?$/i.test(text(action) ?? '')) oneOf(action, ['Drop', 'Accept', 'Return']);
  for (const name of ['failsafeInboundHostPorts', 'failsafeOutboundHostPorts']) {
    const list = child(spec, name);
    for (const entry of items(list)) {
      keys(entry);
      portProtocol(child(entry, 'protocol'), false);
      requirePort(child(entry, 'port'));
      const net = child(entry, 'net');
      if (text(net) !== undefined && calicoNet(net.value) === undefined) reject(net, NOT_A_NET);
    }
  }
}

function portProtocol(field: Field, required: boolean): void {
  if (!isPresent(field)) {
    if (required) rejectMissing(field);
  } else if (!WITH_PORTS.includes(calicoProtocol(field.value) ?? 0)) reject(field, 'must be TCP, UDP or SCTP');
}

function requirePort(field: Field): void {
  if (!isPresent(field)) rejectMissing(field);
  const value = integer(field);
  if (value !== undefined) rejectAll(field, portNumber(value));
}
