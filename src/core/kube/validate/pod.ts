import { duplicate } from '../field-error.ts';
import { namesOf, requireStrings, validateContainer } from './container.ts';
import type { ContainerContext } from './container.ts';
import {
  atLeast,
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
  unique,
} from './field.ts';
import type { Field } from './field.ts';
import { dns1123Label, dns1123Subdomain, ipAddress } from './names.ts';

/** Checks a Pod. */
export function validatePod(object: Field): void {
  validatePodSpec(child(object, 'spec'));
}

/** Checks a pod's `spec`, in a Pod or in a template. */
export function validatePodSpec(spec: Field): void {
  const volumes = items(child(spec, 'volumes'));
  volumes.forEach(validateVolume);
  unique(
    volumes.map((volume) => child(volume, 'name')),
    text,
  );
  const hostNetwork = child(spec, 'hostNetwork').value === true;
  validateContainers(spec, { volumes: namesOf(volumes), hostNetwork });
  oneOf(child(spec, 'restartPolicy'), ['Always', 'OnFailure', 'Never']);
  oneOf(child(spec, 'dnsPolicy'), ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']);
  atLeast(child(spec, 'terminationGracePeriodSeconds'), 0);
  const deadline = child(spec, 'activeDeadlineSeconds');
  const seconds = integer(deadline);
  if (seconds !== undefined && seconds < 1) reject(deadline, 'must be between 1 and 2147483647, inclusive');
  requireStrings(child(spec, 'nodeSelector'));
  for (const name of ['nodeName', 'serviceAccountName']) rejectName(child(spec, name), dns1123Subdomain);
  for (const name of ['hostname', 'subdomain']) rejectName(child(spec, name), dns1123Label);
  validateDns(spec);
  items(child(spec, 'tolerations')).forEach(validateToleration);
}

function validateContainers(spec: Field, context: ContainerContext): void {
  const containers = items(child(spec, 'containers'));
  const init = items(child(spec, 'initContainers'));
  if (containers.length === 0) rejectMissing(child(spec, 'containers'));
  for (const container of [...containers, ...init]) validateContainer(container, context);
  for (const container of init) {
    const policy = child(container, 'restartPolicy');
    if (isPresent(policy)) oneOf(policy, ['Always']);
  }
  unique(
    [...containers, ...init].map((container) => child(container, 'name')),
    text,
  );
  rejectSharedHostPorts(containers);
}

/** Two containers of a pod cannot bind one port of the node. */
function rejectSharedHostPorts(containers: readonly Field[]): void {
  const seen = new Set<string>();
  for (const port of containers.flatMap((container) => items(child(container, 'ports')))) {
    const hostPort = child(port, 'hostPort');
    if (typeof hostPort.value !== 'number' || hostPort.value === 0) continue;
    const protocol = text(child(port, 'protocol')) ?? 'TCP';
    const key = `${protocol}/${text(child(port, 'hostIP')) ?? ''}/${hostPort.value}`;
    if (seen.has(key)) hostPort.errors.push(duplicate(hostPort.path, key));
    seen.add(key);
  }
}

function validateVolume(volume: Field): void {
  const name = child(volume, 'name');
  const nameText = requireText(name);
  if (nameText !== undefined) rejectAll(name, dns1123Label(nameText));
  const kinds = keys(volume).filter((key) => key !== 'name' && isPresent(child(volume, key)));
  if (kinds.length === 0) rejectMissing(volume, 'must specify a volume type');
  for (const kind of kinds.slice(1)) rejectForbidden(child(volume, kind), 'may not specify more than 1 volume type');
  const hostPath = child(volume, 'hostPath');
  if (isPresent(hostPath)) requireText(child(hostPath, 'path'));
  const secret = child(volume, 'secret');
  if (isPresent(secret)) requireText(child(secret, 'secretName'));
  const configMap = child(volume, 'configMap');
  if (isPresent(configMap)) requireText(child(configMap, 'name'));
}

function validateDns(spec: Field): void {
  const config = child(spec, 'dnsConfig');
  const servers = items(child(config, 'nameservers'));
  for (const server of servers) rejectAll(server, ipAddress(text(server) ?? ''));
  if (child(spec, 'dnsPolicy').value === 'None' && servers.length === 0)
    rejectMissing(child(config, 'nameservers'), 'must provide at least one DNS nameserver when `dnsPolicy` is None');
  for (const alias of items(child(spec, 'hostAliases'))) {
    const ip = child(alias, 'ip');
    rejectAll({ ...ip, value: ip.value ?? '' }, ipAddress(text(ip) ?? ''));
  }
}

function validateToleration(toleration: Field): void {
  oneOf(child(toleration, 'effect'), ['NoSchedule', 'PreferNoSchedule', 'NoExecute']);
  const operator = child(toleration, 'operator');
  oneOf(operator, ['Equal', 'Exists']);
  const value = text(child(toleration, 'value'));
  if (operator.value === 'Exists' && value !== undefined)
    reject({ ...operator, value }, "value must be empty when `operator` is 'Exists'");
  if (text(child(toleration, 'key')) === undefined && isPresent(operator) && operator.value !== 'Exists')
    reject(operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"');
}

function rejectName(name: Field, check: (value: string) => string[]): void {
  const value = text(name);
  if (value !== undefined) rejectAll(name, check(value));
}
