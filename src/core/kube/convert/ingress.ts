import { isObject, mapFields, outcome } from './conversion.ts';
import type { Conversion, FieldRemark, JsonObject } from './conversion.ts';

/**
 * An Ingress of `extensions/v1beta1` or `networking.k8s.io/v1beta1` as one of `networking.k8s.io/v1`: backends name their
 * Service in an object, the backend without a rule is called `defaultBackend`, and `pathType`, which v1 demands, is what
 * its absence meant.
 */
export function convertIngress(object: JsonObject): Conversion {
  const problems: FieldRemark[] = [];
  const converted = mapFields(object, (name, value) => {
    if (name === 'apiVersion') return [name, 'networking.k8s.io/v1'];
    return name === 'spec' ? [name, convertSpec(value, problems)] : [name, value];
  });
  return outcome(converted, problems);
}

/** The way back: an Ingress of `networking.k8s.io/v1` as one of an old version. */
export function ingressAsOf(object: JsonObject, apiVersion: string): JsonObject {
  return mapFields(object, (name, value) => {
    if (name === 'apiVersion') return [name, apiVersion];
    return name === 'spec' && isObject(value) ? [name, oldSpec(value)] : [name, value];
  });
}

function oldSpec(spec: JsonObject): JsonObject {
  return mapFields(spec, (name, value) => {
    if (name === 'defaultBackend') return ['backend', oldBackend(value)];
    return name === 'rules' && Array.isArray(value) ? [name, value.map(oldRule)] : [name, value];
  });
}

function oldRule(rule: unknown): unknown {
  const http = isObject(rule) ? rule['http'] : undefined;
  if (!isObject(rule) || !isObject(http) || !Array.isArray(http['paths'])) return rule;
  const paths = http['paths'].map((path: unknown) =>
    isObject(path) ? { ...path, backend: oldBackend(path['backend']) } : path,
  );
  return { ...rule, http: { ...http, paths } };
}

function oldBackend(backend: unknown): unknown {
  const service = isObject(backend) ? backend['service'] : undefined;
  if (!isObject(backend) || !isObject(service)) return backend;
  const { service: _, ...rest } = backend;
  const { number, name } = isObject(service['port']) ? service['port'] : {};
  return { serviceName: service['name'], servicePort: number ?? name, ...rest };
}

function convertSpec(spec: unknown, problems: FieldRemark[]): unknown {
  if (!isObject(spec)) return wrong(spec, 'spec', 'must be an object', problems);
  return mapFields(spec, (name, value) => {
    if (name === 'backend') return ['defaultBackend', convertBackend(value, 'spec.backend', problems)];
    if (name === 'rules')
      return [name, mapList(value, 'spec.rules', problems, (rule, path) => convertRule(rule, path, problems))];
    return [name, value];
  });
}

function convertRule(rule: unknown, path: string, problems: FieldRemark[]): unknown {
  if (!isObject(rule)) return wrong(rule, path, 'must be an object', problems);
  return mapFields(rule, (name, value) => {
    if (name !== 'http' || !isObject(value)) return [name, value];
    const paths = mapList(value['paths'], `${path}.http.paths`, problems, (each, at) =>
      convertPath(each, at, problems),
    );
    return [name, { ...value, paths }];
  });
}

function convertPath(entry: unknown, path: string, problems: FieldRemark[]): unknown {
  if (!isObject(entry)) return wrong(entry, path, 'must be an object', problems);
  const { path: prefix, pathType, backend, ...rest } = entry;
  return {
    ...(prefix === undefined || prefix === null ? {} : { path: prefix }),
    pathType: pathType ?? 'ImplementationSpecific',
    backend: convertBackend(backend, `${path}.backend`, problems),
    ...rest,
  };
}

function convertBackend(backend: unknown, path: string, problems: FieldRemark[]): unknown {
  if (!isObject(backend)) return wrong(backend, path, 'must be an object', problems);
  const { serviceName, servicePort, ...rest } = backend;
  if (serviceName === undefined && servicePort === undefined) return rest;
  if (typeof serviceName !== 'string' || serviceName === '')
    return wrong(backend, `${path}.serviceName`, 'must be the name of a Service', problems);
  const port = convertPort(servicePort);
  if (port === undefined)
    return wrong(
      backend,
      `${path}.servicePort`,
      "must be the number or the name of one of the Service's ports",
      problems,
    );
  return { service: { name: serviceName, port }, ...rest };
}

/** Digits in quotes are a number: no port is named so. */
function convertPort(port: unknown): JsonObject | undefined {
  if (typeof port === 'string' && /^\d+$/.test(port)) return { number: Number(port) };
  if (typeof port === 'string' && port !== '') return { name: port };
  return Number.isInteger(port) ? { number: port } : undefined;
}

function mapList(
  list: unknown,
  path: string,
  problems: FieldRemark[],
  convert: (item: unknown, path: string) => unknown,
): unknown {
  if (list === undefined || list === null) return list;
  if (!Array.isArray(list)) return wrong(list, path, 'must be a list', problems);
  return list.map((item, index) => convert(item, `${path}[${index}]`));
}

function wrong(value: unknown, path: string, message: string, problems: FieldRemark[]): unknown {
  problems.push({ path, message });
  return value;
}
