import type { EndpointAddress, Endpoints, EndpointSubset, Service } from 'kubernetes-types/core/v1.d.ts';
import { NOTHING, type ClusterView, type Controller, type Outcome } from './controller.ts';
import { canonicalJson, sameJson } from './equal.ts';
import { isTerminating, keyOf, type Stored } from './objects.ts';
import { addressOf, backendsOf, hasSelector, servicesOf, type Backend } from './service-pods.ts';

/** Keeps the old-style Endpoints of every Service that selects pods, for `kubectl get endpoints` and older readers. */
export const endpointsController: Controller = {
  name: 'endpoints',
  triggers: {
    services: (service) => [keyOf(service)],
    pods: (pod, previous, view) => [
      ...servicesOf(pod, view),
      ...(previous === undefined || previous === pod ? [] : servicesOf(previous, view)),
    ],
    endpoints: (endpoints) => [keyOf(endpoints)],
  },
  reconcile: reconcileEndpoints,
};

/** The writes that make one Service's Endpoints right; without a Service they go. */
export function reconcileEndpoints(view: ClusterView, key: string): Outcome {
  const service = view.services.get(key);
  const held = view.endpoints.get(key);
  if (service === undefined) {
    return held === undefined || isTerminating(held)
      ? NOTHING
      : { actions: [{ do: 'delete', kind: 'endpoints', object: held }] };
  }
  if (isTerminating(service) || !hasSelector(service)) return NOTHING;
  const subsets = subsetsOf(service, backendsOf(service, view));
  const { name, namespace = 'default', labels } = service.metadata;
  if (held === undefined) {
    const metadata = { name, namespace, ...(labels === undefined ? {} : { labels }) };
    const object: Endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets };
    return { actions: [{ do: 'create', kind: 'endpoints', object }] };
  }
  if (sameJson(held.subsets ?? [], subsets)) return NOTHING;
  return { actions: [{ do: 'update', kind: 'endpoints', object: { ...held, subsets } }] };
}

/** Addresses of the Service's first family, grouped by the ports that they serve. Terminating pods are left out. */
export function subsetsOf(service: Stored<Service>, backends: readonly Backend[]): EndpointSubset[] {
  const family = service.spec?.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
  const groups = new Map<string, { readonly members: Backend[]; readonly first: Backend }>();
  for (const backend of backends) {
    if (addressOf(backend, family) === undefined || (backend.terminating && !backend.ready)) continue;
    const key = canonicalJson(backend.ports);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { members: [backend], first: backend });
    else group.members.push(backend);
  }
  return [...groups.values()].map(({ members, first }) => {
    const addresses = members.filter(({ ready }) => ready).map((backend) => addressObject(backend, family));
    const notReadyAddresses = members.filter(({ ready }) => !ready).map((backend) => addressObject(backend, family));
    return {
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
      ports: first.ports.map(({ name, ...port }) => (name === '' ? port : { name, ...port })),
    };
  });
}

function addressObject(backend: Backend, family: 'IPv4' | 'IPv6'): EndpointAddress {
  const { name, namespace, uid } = backend.pod.metadata;
  const { nodeName } = backend.pod.spec ?? {};
  return {
    ip: addressOf(backend, family)!,
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', name, uid, ...(namespace === undefined ? {} : { namespace }) },
  };
}
