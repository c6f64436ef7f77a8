import { suggest } from '../../kube/suggest.ts';
import type { Manifest } from '../../kube/yaml.ts';
import type { ServiceEntry } from '../lint-cluster.ts';
import type { LintCluster } from '../lint-cluster.ts';
import type { LintRule, Phrase, Report } from '../model.ts';
import { fieldsOf, groupOf, itemsOf, kindOf, nameOf, namespaceOf, valueAt } from '../objects.ts';
import { listed } from '../policy-parts.ts';

/** A backend of an Ingress: the Service and port that it names. */
export interface IngressBackend {
  readonly manifest: Manifest;
  readonly path: string;
  readonly namespace: string;
  readonly service: string;
  readonly port: number | string | undefined;
}

/** Silent when the files hold neither Services nor pods of the Ingress's namespace. */
export const ingressBackend: LintRule = {
  id: 'ingress-backend',
  severity: 'warning',
  summary: 'an Ingress backend whose Service or port does not exist',
  *check(cluster) {
    for (const backend of ingressBackends(cluster)) {
      const report = check(cluster, backend);
      if (report !== undefined) yield report;
    }
  },
};

/** Every backend of every current Ingress. */
export function* ingressBackends(cluster: LintCluster): Generator<IngressBackend> {
  for (const manifest of cluster.manifests) {
    const { object } = manifest;
    if (kindOf(object) !== 'Ingress' || groupOf(object) !== 'networking.k8s.io') continue;
    const namespace = namespaceOf(object);
    const places: (readonly [string, unknown])[] = [['spec.defaultBackend', valueAt(object, 'spec', 'defaultBackend')]];
    for (const [i, rule] of itemsOf(valueAt(object, 'spec', 'rules')).entries())
      for (const [j, path] of itemsOf(valueAt(rule, 'http', 'paths')).entries())
        places.push([`spec.rules[${i}].http.paths[${j}].backend`, fieldsOf(path)['backend']]);
    for (const [path, value] of places) {
      const service = valueAt(value, 'service', 'name');
      if (typeof service !== 'string') continue;
      const { number, name } = fieldsOf(valueAt(value, 'service', 'port'));
      const port =
        typeof number === 'number' || typeof number === 'string' ? number : typeof name === 'string' ? name : undefined;
      yield { manifest, path, namespace, service, port };
    }
  }
}

/** The Service that the backend names, if it is among the files. */
export function serviceOf(cluster: LintCluster, { namespace, service }: IngressBackend): ServiceEntry | undefined {
  return cluster.services.find((each) => each.service.key === `${namespace}/${service}`);
}

function check(cluster: LintCluster, backend: IngressBackend): Report | undefined {
  const { manifest, path, namespace, service, port } = backend;
  const services = cluster.services.filter((each) => each.service.namespace === namespace);
  if (services.length === 0 && !cluster.knowsPodsOf(namespace)) return undefined;
  const found = serviceOf(cluster, backend);
  if (found === undefined) {
    const near = suggest(
      service,
      services.map((each) => each.service.name),
    );
    const elsewhere = cluster.services
      .filter((each) => each.service.name === service)
      .map((each) => each.service.namespace);
    const message: Phrase = (m) =>
      m.ingressService(`${namespace}/${nameOf(manifest.object)}`, service, namespace, listed(m, elsewhere));
    return { manifest, path: `${path}.service.name`, message, ...(near === undefined ? {} : { suggestion: near }) };
  }
  const { ports, type } = found.service;
  if (port === undefined || type === 'ExternalName') return undefined;
  if (ports.some((each) => each.port === port || each.name === port)) return undefined;
  const target = ports.find((each) => each.targetPort === port);
  const known = ports.map((each) => (each.name === undefined ? String(each.port) : `${each.port} (${each.name})`));
  return {
    manifest,
    path: `${path}.service.port`,
    message: (m) => m.ingressPort(found.service.key, String(port), listed(m, known)),
    ...(target === undefined ? {} : { suggestion: (m) => m.portLeadingTo(target.port, String(port)) }),
  };
}
