import type { Service, ServiceSpec } from 'kubernetes-types/core/v1.d.ts';
import { invalid, type FieldError } from '../../kube/field-error.ts';
import { ApiError } from '../api-error.ts';
import type { ApiContext } from '../api-context.ts';
import type { ApiObject } from '../api-object.ts';
import { bandOf, chooseFree } from './choose-free.ts';

/** Fills the node ports that `spec` leaves open and refuses named ones that are taken or out of range. */
export function allocateNodePorts(draft: ApiObject, spec: ServiceSpec, context: ApiContext): FieldError[] {
  const taken = takenPorts(draft, context);
  const { from, to } = context.settings.nodePortRange;
  const errors: FieldError[] = [];
  const own = new Map<number, string>();
  for (const [i, port] of (spec.ports ?? []).entries()) {
    const { nodePort, protocol = 'TCP' } = port;
    if (nodePort === undefined) continue;
    const path = `spec.ports[${i}].nodePort`;
    const holder = taken.get(nodePort);
    if (nodePort < from || nodePort > to) {
      const detail = `provided port is not in the valid range. The range of valid ports is ${from}-${to}`;
      errors.push(invalid(path, nodePort, detail));
    } else if (holder !== undefined || own.get(nodePort) === protocol) {
      const who = holder === undefined ? 'this service' : `service ${holder}`;
      errors.push(invalid(path, nodePort, `provided port is already allocated to ${who}`));
    }
    own.set(nodePort, protocol);
  }
  if (errors.length > 0) return errors;
  for (const port of spec.ports ?? []) {
    if (port.nodePort !== undefined) continue;
    port.nodePort = freePort(taken, own, context);
    own.set(port.nodePort, port.protocol ?? 'TCP');
  }
  return [];
}

/** The same for the one port on which load balancers ask for a Service's endpoints. */
export function allocateHealthPort(draft: ApiObject, spec: ServiceSpec, context: ApiContext): FieldError[] {
  const taken = takenPorts(draft, context);
  const own = new Map((spec.ports ?? []).map(({ nodePort, protocol = 'TCP' }) => [nodePort ?? 0, protocol]));
  const asked = spec.healthCheckNodePort ?? 0;
  const { from, to } = context.settings.nodePortRange;
  const path = 'spec.healthCheckNodePort';
  if (asked === 0) spec.healthCheckNodePort = freePort(taken, own, context);
  else if (asked < from || asked > to)
    return [invalid(path, asked, `provided port is not in the valid range. The range of valid ports is ${from}-${to}`)];
  else if (taken.has(asked) || own.has(asked))
    return [invalid(path, asked, `provided port is already allocated to ${taken.get(asked) ?? 'this service'}`)];
  return [];
}

function takenPorts(draft: ApiObject, context: ApiContext): Map<number, string> {
  const taken = new Map<number, string>();
  for (const { object, namespace, name } of context.store.list('/services')) {
    if (object.metadata.uid === draft.metadata.uid) continue;
    const { ports = [], healthCheckNodePort } = (object as unknown as Service).spec ?? {};
    for (const port of [...ports.map(({ nodePort }) => nodePort), healthCheckNodePort])
      if (port !== undefined) taken.set(port, `${namespace}/${name}`);
  }
  return taken;
}

function freePort(taken: ReadonlyMap<number, string>, own: ReadonlyMap<number, string>, context: ApiContext): number {
  const { from, to } = context.settings.nodePortRange;
  const count = to - from + 1;
  const range = { count, reserved: bandOf(count, 32, 128) };
  const isFree = (i: number): boolean => !taken.has(from + i) && !own.has(from + i);
  const chosen = chooseFree(range, context.surroundings.random, isFree);
  if (chosen !== undefined) return from + chosen;
  throw new ApiError(
    'InternalError',
    `Internal error occurred: failed to allocate a nodePort: range is full (all of ${from}-${to} are taken)`,
  );
}
