import type { PolicyEntry, ServiceEntry, Workload } from '../lint-cluster.ts';
import type { LintCluster } from '../lint-cluster.ts';
import type { LintRule } from '../model.ts';
import { mayPass, policiesOf } from '../permits.ts';
import { listed, titleOf } from '../policy-parts.ts';
import { ingressBackends, routeBackends, serviceOf } from '../backends.ts';

/**
 * No rule lets anybody reach the port of any pod behind the Service. A rule whose peers are not among the files, or are
 * addresses, counts as letting somebody in.
 */
export const unreachableService: LintRule = {
  id: 'unreachable-service',
  severity: 'warning',
  summary: 'a Service that policies let nobody reach',
  *check(cluster) {
    for (const entry of cluster.services) {
      for (const [index, port] of entry.service.ports.entries()) {
        const closed = closedBy(cluster, entry, index);
        if (closed === undefined) continue;
        yield {
          manifest: entry.manifest,
          path: `spec.ports[${index}]`,
          message: (m) =>
            m.unreachableService(port.protocol, port.port, listed(m, closed.map(titleOf)), String(port.targetPort)),
        };
      }
    }
  },
};

/** As `unreachable-service`, said where the request comes in. */
export const unreachableBackend: LintRule = {
  id: 'unreachable-backend',
  severity: 'warning',
  summary: 'a backend of an Ingress or HTTPRoute whose Service policies let nobody reach',
  *check(cluster) {
    for (const backend of [...ingressBackends(cluster), ...routeBackends(cluster)]) {
      const entry = serviceOf(cluster, backend);
      const index =
        entry?.service.ports.findIndex(({ port, name }) => port === backend.port || name === backend.port) ?? -1;
      if (entry === undefined || index < 0) continue;
      const closed = closedBy(cluster, entry, index);
      if (closed === undefined) continue;
      yield {
        manifest: backend.manifest,
        path: backend.path,
        message: (m) => m.unreachableBackend(entry.service.key, listed(m, closed.map(titleOf))),
      };
    }
  },
};

/** The policies that close every backend of the port; undefined when one is open, or there is none to ask. */
function closedBy(
  cluster: LintCluster,
  { service, backends = [] }: ServiceEntry,
  index: number,
): readonly PolicyEntry[] | undefined {
  const port = service.ports[index];
  const running = backends.filter(({ pod }) => !pod.completed);
  if (port === undefined || running.length === 0) return undefined;
  const open = running.some((workload) => {
    const target = targetOf(workload, port.targetPort, port.protocol);
    return mayPass(cluster, workload, 'ingress', { other: 'somebody', port: target, protocol: port.protocol });
  });
  return open ? undefined : [...new Set(running.flatMap((workload) => policiesOf(cluster, workload, 'ingress')))];
}

function targetOf({ pod }: Workload, target: number | string, protocol: string): number | undefined {
  if (typeof target === 'number') return target;
  return pod.ports.find((each) => each.name === target && each.protocol === protocol)?.port;
}
