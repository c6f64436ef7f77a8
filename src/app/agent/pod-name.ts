import { CNI_ERROR, CniError } from '../../core/cni/index.ts';
import type { AttachmentRequest } from '../../core/cni/index.ts';

/** The pod as the runtime names it. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string | undefined;
}

/** The pod that a request is about; throws a {@link CniError} (code 4) where the runtime does not say. */
export function podOf({ pod }: AttachmentRequest): PodName {
  const { namespace, name, uid } = pod;
  if (namespace === undefined || name === undefined)
    throw new CniError(
      CNI_ERROR.invalidEnvironment,
      'CNI_ARGS must name the pod (K8S_POD_NAMESPACE and K8S_POD_NAME): its policy depends on it',
    );
  return { namespace, name, uid };
}
