import { missingBackend, routeBackends } from '../backends.ts';
import type { LintRule } from '../model.ts';
import { listed } from '../policy-parts.ts';

/** Silent when the files hold neither Services nor pods of the namespace that the backend is looked for in. */
export const routeBackend: LintRule = {
  id: 'route-backend',
  severity: 'warning',
  summary: 'an HTTPRoute backend whose Service or port does not exist',
  *check(cluster) {
    for (const backend of routeBackends(cluster)) {
      const { service, namespace } = backend;
      const report = missingBackend(
        cluster,
        backend,
        (source, elsewhere) => (m) => m.routeService(source, service, namespace, listed(m, elsewhere)),
      );
      if (report !== undefined) yield report;
    }
  },
};
