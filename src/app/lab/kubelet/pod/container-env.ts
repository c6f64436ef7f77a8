import type { Container, EnvVar, EnvVarSource } from 'kubernetes-types/core/v1.d.ts';
import { SluiceError } from '../../../../base/errors.ts';
import { expand } from './expand.ts';
import type { LiveFields } from './field-ref.ts';
import { fieldValue } from './field-ref.ts';
import type { ObjectSource } from './object-source.ts';
import type { NodePod } from './types.ts';

/** What variables may be taken from. */
export interface EnvContext {
  readonly pod: NodePod;
  readonly live: LiveFields;
  /** Variables of the image and of Services, weakest first. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly source: ObjectSource;
}

/**
 * A container's environment: `envFrom` then `env` over the defaults, `$(VAR)` expanded. Throws `config-missing` for a
 * reference that is neither there nor optional.
 */
export async function containerEnv(container: Container, context: EnvContext): Promise<Record<string, string>> {
  const env: Record<string, string> = { ...context.defaults };
  const { namespace } = context.pod;
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const data = configMapRef
      ? await context.source.configMap(namespace, configMapRef.name ?? '', configMapRef.optional ?? false)
      : await context.source.secret(namespace, secretRef?.name ?? '', secretRef?.optional ?? false);
    for (const [key, value] of data ?? []) env[prefix + key] = value.toString('utf8');
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(variable, container, context, env);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

async function valueOf(
  variable: EnvVar,
  container: Container,
  context: EnvContext,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  if (variable.valueFrom === undefined) return expand(variable.value ?? '', env);
  return referenced(variable.valueFrom, container, context);
}

async function referenced(
  { fieldRef, configMapKeyRef, secretKeyRef, resourceFieldRef }: EnvVarSource,
  container: Container,
  { pod, live, source }: EnvContext,
): Promise<string | undefined> {
  if (fieldRef !== undefined) {
    const value = fieldValue(pod.pod, fieldRef.fieldPath, live);
    if (value === undefined) throw new SluiceError('config-missing', `unknown fieldPath ${fieldRef.fieldPath}`);
    return value;
  }
  if (resourceFieldRef !== undefined) return resourceValue(resourceFieldRef.resource, container);
  const ref = configMapKeyRef ?? secretKeyRef;
  if (ref === undefined) return undefined;
  const kind = configMapKeyRef === undefined ? 'secret' : 'configMap';
  const { name = '', key, optional = false } = ref;
  const data = await source[kind](pod.namespace, name, optional);
  const value = data?.get(key);
  if (value === undefined && !optional)
    throw new SluiceError('config-missing', `couldn't find key ${key} in ${kind} ${pod.namespace}/${name}`);
  return value?.toString('utf8');
}

function resourceValue(resource: string, container: Container): string {
  const [kind, name = ''] = resource.split('.');
  return container.resources?.[kind === 'limits' ? 'limits' : 'requests']?.[name] ?? '0';
}
