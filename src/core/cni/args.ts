import { CNI_ERROR, CniError } from './errors.ts';
import type { KubernetesArgs } from './types.ts';

/**
 * Reads CNI_ARGS (`K1=V1;K2=V2`) for what Kubernetes runtimes put there; other keys are ignored because every runtime
 * adds its own. Throws a {@link CniError} (code 4) for a pair without `=`.
 */
export function parseArgs(text: string): KubernetesArgs {
  const values = new Map<string, string>();
  for (const pair of text.split(';')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    if (equals <= 0)
      throw new CniError(CNI_ERROR.invalidEnvironment, `CNI_ARGS: ${JSON.stringify(pair)} is not KEY=VALUE`);
    values.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  const namespace = values.get('K8S_POD_NAMESPACE');
  const name = values.get('K8S_POD_NAME');
  const uid = values.get('K8S_POD_UID');
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(uid === undefined ? {} : { uid }),
  };
}
