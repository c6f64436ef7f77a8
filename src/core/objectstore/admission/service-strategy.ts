import type { Service, ServicePort, ServiceSpec } from 'kubernetes-types/core/v1.d.ts';
import { forbidden, invalid, type FieldError } from '../../kube/field-error.ts';
import type { ApiObject } from '../api-object.ts';
import { allocateClusterIps, chosenFamilies } from './service-addresses.ts';
import { allocateHealthPort, allocateNodePorts } from './service-node-ports.ts';
import type { Strategy } from './strategy.ts';

/** Services: defaults, cluster addresses per family, node ports; what was allocated stays while it is needed. */
export const serviceStrategy: Strategy = {
  nameRule: 'service',
  prepare: (draft, previous) => {
    const { spec } = draft as unknown as Service;
    if (spec === undefined) return;
    const before = (previous as unknown as Service | undefined)?.spec;
    defaultSpec(spec);
    if (before !== undefined) keepAllocated(spec, before);
    dropUnused(spec, before);
    if (previous === undefined) draft['status'] = { loadBalancer: {} };
  },
  validate: (draft, previous) => [...portRules(draft), ...immutableAddress(draft, previous)],
  allocate: (draft, previous, context) => {
    const service = draft as unknown as Service;
    const { spec } = service;
    if (spec === undefined || spec.type === 'ExternalName') return [];
    const { families, errors } = chosenFamilies(spec, context.settings.serviceCidrs);
    if (errors.length > 0) return errors;
    return [
      ...allocateClusterIps(draft, spec, families, context),
      ...(needsNodePorts(spec) ? allocateNodePorts(draft, spec, context) : []),
      ...(needsHealthPort(spec) ? allocateHealthPort(draft, spec, context) : []),
    ];
  },
};

function defaultSpec(spec: ServiceSpec): void {
  spec.type ??= 'ClusterIP';
  spec.sessionAffinity ??= 'None';
  if (spec.sessionAffinity === 'ClientIP') spec.sessionAffinityConfig ??= { clientIP: { timeoutSeconds: 10_800 } };
  else if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  if (spec.clusterIP === '') delete spec.clusterIP;
  if (spec.type === 'ExternalName') return;
  spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') spec.externalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
}

/** An update that leaves allocated fields out means the ones that it has. */
function keepAllocated(spec: ServiceSpec, before: ServiceSpec): void {
  if (spec.type !== 'ExternalName' && before.type !== 'ExternalName') {
    spec.clusterIP ??= before.clusterIP!;
    if (needsHealthPort(spec) && needsHealthPort(before)) spec.healthCheckNodePort ??= before.healthCheckNodePort!;
    if (spec.clusterIP === before.clusterIP) spec.clusterIPs ??= before.clusterIPs!;
    spec.ipFamilyPolicy ??= before.ipFamilyPolicy!;
    if (spec.ipFamilyPolicy === before.ipFamilyPolicy) spec.ipFamilies ??= before.ipFamilies!;
  }
  if (!needsNodePorts(spec) || !needsNodePorts(before)) return;
  const taken = new Set(spec.ports?.map((port) => port.nodePort));
  for (const port of spec.ports ?? []) {
    const same = before.ports?.find((each) => each.port === port.port && each.protocol === port.protocol);
    if ((port.nodePort ?? 0) === 0 && same?.nodePort !== undefined && !taken.has(same.nodePort)) {
      port.nodePort = same.nodePort;
    }
  }
}

/** Fields that the new type has no use for go, when they were only carried along from the old one. */
function dropUnused(spec: ServiceSpec, before: ServiceSpec | undefined): void {
  for (const port of spec.ports ?? []) if (port.nodePort === 0) delete port.nodePort;
  for (const key of Object.keys(spec) as (keyof ServiceSpec)[]) if (spec[key] === undefined) delete spec[key];
  if (!needsHealthPort(spec) && (spec.healthCheckNodePort ?? 0) === (before?.healthCheckNodePort ?? 0))
    delete spec.healthCheckNodePort;
  if (before === undefined) return;
  if (!isReachedFromOutside(spec) && spec.externalTrafficPolicy === before.externalTrafficPolicy)
    delete spec.externalTrafficPolicy;
  if (before.type === spec.type) return;
  if (!needsNodePorts(spec)) {
    for (const port of spec.ports ?? []) {
      if (before.ports?.some((each) => each.nodePort === port.nodePort) === true) delete port.nodePort;
    }
  }
  if (spec.type !== 'LoadBalancer') delete spec.allocateLoadBalancerNodePorts;
  if (spec.type !== 'ExternalName') return;
  for (const key of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy'] as const) {
    delete spec[key];
  }
}

function needsNodePorts(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && (spec.allocateLoadBalancerNodePorts ?? true));
}

function isReachedFromOutside({ type, externalIPs = [] }: ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && externalIPs.length > 0);
}

/** Where load balancers ask which nodes have endpoints. */
function needsHealthPort({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

function portRules(draft: ApiObject): FieldError[] {
  const { spec } = draft as unknown as Service;
  if (spec === undefined) return [];
  const misplaced = (port: ServicePort): boolean => port.nodePort !== undefined && spec.type === 'ClusterIP';
  return (spec.ports ?? []).flatMap((port, i) =>
    misplaced(port) ? [forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'")] : [],
  );
}

function immutableAddress(draft: ApiObject, previous: ApiObject | undefined): FieldError[] {
  const now = (draft as unknown as Service).spec;
  const before = (previous as unknown as Service | undefined)?.spec;
  if (now === undefined || before === undefined) return [];
  if (now.type === 'ExternalName' || before.type === 'ExternalName') return [];
  if (now.clusterIP === before.clusterIP) return [];
  return [invalid('spec.clusterIPs[0]', now.clusterIPs ?? now.clusterIP, 'may not change once set')];
}
