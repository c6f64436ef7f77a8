import { GATEWAY_GROUP } from '../gateway/world.ts';
import { suggest } from '../kube/suggest.ts';
import type { Manifest } from '../kube/yaml.ts';
import type { LintCluster, ServiceEntry } from './lint-cluster.ts';
import type { Phrase, Report } from './model.ts';
import { fieldsOf, groupOf, itemsOf, kindOf, nameOf, namespaceOf, textAt, valueAt } from './objects.ts';
import { listed } from './policy-parts.ts';

/** A Service and port that an Ingress or HTTPRoute sends requests to. */
export interface NamedBackend {
  readonly manifest: Manifest;
  readonly path: string;
  /** Paths of the Service's name and of its port. */
  readonly at: { readonly service: string; readonly port: string };
  /** Of the Service. */
  readonly namespace: string;
  readonly service: string;
  readonly port: number | string | undefined;
}

/** Every backend of every current Ingress. */
export function* ingressBackends(cluster: LintCluster): Generator<NamedBackend> {
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
      const at = { service: `${path}.service.name`, port: `${path}.service.port` };
      yield { manifest, path, at, namespace, service, port };
    }
  }
}

/** Every Service that an HTTPRoute names as a backend. */
export function* routeBackends(cluster: LintCluster): Generator<NamedBackend> {
  for (const manifest of cluster.manifests) {
    const { object } = manifest;
    if (kindOf(object) !== 'HTTPRoute' || groupOf(object) !== GATEWAY_GROUP) continue;
    for (const [i, rule] of itemsOf(valueAt(object, 'spec', 'rules')).entries())
      for (const [j, reference] of itemsOf(valueAt(rule, 'backendRefs')).entries()) {
        const { group = '', kind = 'Service', name: service, port } = fieldsOf(reference);
        if (group !== '' || kind !== 'Service' || typeof service !== 'string') continue;
        const path = `spec.rules[${i}].backendRefs[${j}]`;
        const namespace = textAt(reference, 'namespace') ?? namespaceOf(object);
        const at = { service: `${path}.name`, port: `${path}.port` };
        yield { manifest, path, at, namespace, service, port: typeof port === 'number' ? port : undefined };
      }
  }
}

/** The Service that the backend names, if it is among the files. */
export function serviceOf(cluster: LintCluster, { namespace, service }: NamedBackend): ServiceEntry | undefined {
  return cluster.services.find((each) => each.service.key === `${namespace}/${service}`);
}

/**
 * Whether the Service or its port is missing; `message` says so of the Service, given where else there is one of the name.
 * Silent when the files hold neither Services nor pods of the namespace.
 */
export function missingBackend(
  cluster: LintCluster,
  backend: NamedBackend,
  message: (source: string, elsewhere: readonly string[]) => Phrase,
): Report | undefined {
  const { manifest, at, namespace, service, port } = backend;
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
    const source = `${namespaceOf(manifest.object)}/${nameOf(manifest.object)}`;
    const said = { manifest, path: at.service, message: message(source, elsewhere) };
    return { ...said, ...(near === undefined ? {} : { suggestion: near }) };
  }
  const { ports, type } = found.service;
  if (port === undefined || type === 'ExternalName') return undefined;
  if (ports.some((each) => each.port === port || each.name === port)) return undefined;
  const target = ports.find((each) => each.targetPort === port);
  const known = ports.map((each) => (each.name === undefined ? String(each.port) : `${each.port} (${each.name})`));
  return {
    manifest,
    path: at.port,
    message: (m) => m.ingressPort(found.service.key, String(port), listed(m, known)),
    ...(target === undefined ? {} : { suggestion: (m) => m.portLeadingTo(target.port, String(port)) }),
  };
}
