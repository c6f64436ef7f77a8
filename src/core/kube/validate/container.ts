import { forbidden, notFound } from '../field-error.ts';
import {
  atLeast,
  child,
  entry,
  integer,
  isPresent,
  items,
  keys,
  oneOf,
  reject,
  rejectAll,
  rejectMissing,
  requireText,
  text,
  unique,
} from './field.ts';
import type { Field } from './field.ts';
import { validatePortNumber } from './metadata.ts';
import { dns1123Label, envVarName, portName, portNumber } from './names.ts';
import { PORT_PROTOCOLS } from './network-policy.ts';
import { validateQuantities } from './quantity.ts';

/** What a container may refer to and where it runs. */
export interface ContainerContext {
  /** Names of the pod's volumes. */
  readonly volumes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
}

/** Checks one container: kubernetes/pkg/apis/core/validation, the part that networking and scheduling depend on. */
export function validateContainer(container: Field, context: ContainerContext): void {
  const name = child(container, 'name');
  const nameText = requireText(name);
  if (nameText !== undefined) rejectAll(name, dns1123Label(nameText));
  const image = child(container, 'image');
  const imageText = requireText(image);
  if (imageText !== undefined && imageText !== imageText.trim())
    reject(image, 'must not have leading or trailing whitespace');
  oneOf(child(container, 'imagePullPolicy'), ['Always', 'IfNotPresent', 'Never']);
  validatePorts(child(container, 'ports'), context);
  items(child(container, 'env')).forEach(validateEnv);
  validateMounts(child(container, 'volumeMounts'), context);
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) validateProbe(child(container, probe));
  validateQuantities(child(container, 'resources'));
}

function validatePorts(ports: Field, context: ContainerContext): void {
  const list = items(ports);
  for (const port of list) {
    const name = child(port, 'name');
    const nameText = text(name);
    if (nameText !== undefined) rejectAll(name, portName(nameText));
    const number = child(port, 'containerPort');
    if (!isPresent(number) || number.value === 0) rejectMissing(number);
    else validatePortNumber(number, portNumber);
    const hostPort = child(port, 'hostPort');
    if (hostPort.value !== 0) validatePortNumber(hostPort, portNumber);
    if (context.hostNetwork && integer(hostPort) && hostPort.value !== number.value)
      reject(number, 'must match `hostPort` when `hostNetwork` is true');
    oneOf(child(port, 'protocol'), PORT_PROTOCOLS);
  }
  unique(
    list.map((port) => child(port, 'name')),
    text,
  );
}

function validateEnv(variable: Field): void {
  const name = child(variable, 'name');
  const nameText = requireText(name);
  if (nameText !== undefined) rejectAll(name, envVarName(nameText));
  const from = child(variable, 'valueFrom');
  if (!isPresent(from)) return;
  if (text(child(variable, 'value')) !== undefined)
    reject({ ...from, value: '' }, 'may not be specified when `value` is not empty');
  const sources = keys(from).filter((key) => isPresent(child(from, key)));
  if (sources.length === 0)
    reject(
      { ...from, value: '' },
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
    );
  if (sources.length > 1) reject({ ...from, value: '' }, 'may not have more than one field specified at a time');
}

function validateMounts(mounts: Field, context: ContainerContext): void {
  const paths = new Set<string>();
  for (const mount of items(mounts)) {
    const name = child(mount, 'name');
    const nameText = requireText(name);
    if (nameText !== undefined && !context.volumes.has(nameText)) name.errors.push(notFound(name.path, nameText));
    const path = child(mount, 'mountPath');
    const pathText = requireText(path);
    if (pathText === undefined) continue;
    if (paths.has(pathText)) reject(path, 'must be unique');
    paths.add(pathText);
  }
}

const PROBE_HANDLERS = ['exec', 'grpc', 'httpGet', 'tcpSocket'];

function validateProbe(probe: Field): void {
  if (!isPresent(probe)) return;
  const handlers = PROBE_HANDLERS.map((name) => child(probe, name)).filter(isPresent);
  if (handlers.length === 0) rejectMissing(probe, 'must specify a handler type');
  for (const handler of handlers.slice(1))
    handler.errors.push(forbidden(handler.path, 'may not specify more than 1 handler type'));
  for (const handler of handlers) {
    const port = child(handler, 'port');
    if (typeof port.value === 'string') rejectAll(port, portName(port.value));
    else if (isPresent(port)) validatePortNumber(port, portNumber);
    else if (!handler.path.endsWith('.exec')) rejectMissing(port);
  }
  const command = entryOf(probe, 'exec', 'command');
  if (command !== undefined && items(command).length === 0) rejectMissing(command);
  for (const name of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'])
    atLeast(child(probe, name), 0);
}

function entryOf(parent: Field, name: string, inner: string): Field | undefined {
  const found = child(parent, name);
  return isPresent(found) ? child(found, inner) : undefined;
}

/** Names of the entries of a list of named things; entries without one are left out. */
export function namesOf(list: readonly Field[]): Set<string> {
  return new Set(list.map((each) => child(each, 'name').value).filter((name) => typeof name === 'string'));
}

/** Checks a map of label-like constraints such as `nodeSelector`. */
export function requireStrings(map: Field): void {
  for (const key of keys(map)) text(entry(map, key));
}
