import { ingressBackends, missingBackend } from '../backends.ts';
import type { LintRule } from '../model.ts';
import { listed } from '../policy-parts.ts';

/** Silent when the files hold neither Services nor pods of the Ingress's namespace. */
export const ingressBackend: LintRule = {
  id: 'ingress-backend',
  severity: 'warning',
  summary: 'an Ingress backend whose Service or port does not exist',
  *check(cluster) {
    for (const backend of ingressBackends(cluster)) {
      const { service, namespace } = backend;
      const report = missingBackend(
        cluster,
        backend,
        (source, elsewhere) => (m) => m.ingressService(source, service, namespace, listed(m, elsewhere)),
      );
      if (report !== undefined) yield report;
    }
  },
};
