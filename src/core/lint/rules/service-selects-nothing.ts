import { formatSelector, parseLabelMap } from '../../kube/labels.ts';
import { suggest } from '../../kube/suggest.ts';
import type { LintRule } from '../model.ts';
import { labelsOf, nearSelector } from '../near-label.ts';
import { listed } from '../policy-parts.ts';

/** Silent when the files hold no pods of the Service's namespace. */
export const serviceSelectsNothing: LintRule = {
  id: 'service-selects-nothing',
  severity: 'warning',
  summary: 'a Service whose selector chooses no pod',
  *check(cluster) {
    for (const { service, manifest, backends } of cluster.services) {
      if (backends === undefined || backends.length > 0 || !cluster.knowsPodsOf(service.namespace)) continue;
      if (service.type === 'ExternalName') continue;
      const selector = parseLabelMap(service.selector);
      const suggestion = nearSelector(selector, labelsOf(cluster.podsOf(service.namespace)));
      yield {
        manifest,
        path: 'spec.selector',
        message: (m) => m.serviceWithoutPods(service.namespace, formatSelector(selector)),
        ...(suggestion === undefined ? {} : { suggestion }),
      };
    }
  },
};

/** Silent when the Service chooses no pod of the files. A number needs no declaration; a name does. */
export const serviceTargetPort: LintRule = {
  id: 'service-target-port',
  severity: 'warning',
  summary: 'a targetPort by a name that no pod of the Service has',
  *check(cluster) {
    for (const { service, manifest, backends = [] } of cluster.services) {
      if (backends.length === 0) continue;
      const ports = backends.flatMap(({ pod }) => pod.ports);
      for (const [index, { targetPort, protocol }] of service.ports.entries()) {
        if (typeof targetPort !== 'string') continue;
        if (ports.some((port) => port.name === targetPort && port.protocol === protocol)) continue;
        const suggestion = suggest(
          targetPort,
          ports.filter((port) => port.protocol === protocol).map(({ name }) => name),
        );
        yield {
          manifest,
          path: `spec.ports[${index}].targetPort`,
          message: (m) =>
            m.targetPort(
              listed(
                m,
                backends.map(({ title }) => title),
              ),
              protocol,
              targetPort,
            ),
          ...(suggestion === undefined ? {} : { suggestion }),
        };
      }
    }
  },
};
