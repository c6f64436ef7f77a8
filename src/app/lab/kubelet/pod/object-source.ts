import type { ConfigMap, Secret } from 'kubernetes-types/core/v1.d.ts';
import { SluiceError } from '../../../../base/errors.ts';
import { isNotFound } from '../../../../host/kube-client/errors.ts';
import { CONFIG_MAPS, SECRETS, SERVICE_ACCOUNTS } from '../../../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../../../host/kube-client/types.ts';

/** Keys of a ConfigMap or Secret with their content. */
export type ObjectData = ReadonlyMap<string, Buffer>;

/** Where pods' configuration comes from. */
export interface ObjectSource {
  /** Undefined when it does not exist and is optional; throws `config-missing` when it is not. */
  configMap(namespace: string, name: string, optional: boolean): Promise<ObjectData | undefined>;
  secret(namespace: string, name: string, optional: boolean): Promise<ObjectData | undefined>;
  /** A token of the service account, bound to the pod. */
  token(request: TokenRequest): Promise<string>;
}

/** For whom a token is asked, for which audience (absent: the API server) and for how long. */
export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly audience?: string;
  readonly expirationSeconds: number;
  readonly pod: { readonly name: string; readonly uid: string };
}

/** An {@link ObjectSource} over the API. */
export function kubeObjectSource(client: KubeClient): ObjectSource {
  const read = async <T extends KubeObject>(
    kind: 'configmap' | 'secret',
    [namespace, name, optional]: readonly [string, string, boolean],
    data: (object: T) => ObjectData,
  ): Promise<ObjectData | undefined> => {
    try {
      return data(await client.get<T>(kind === 'secret' ? SECRETS : CONFIG_MAPS, { namespace, name }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      if (optional) return undefined;
      throw new SluiceError('config-missing', `${kind} "${name}" not found`, { namespace, name }, error);
    }
  };
  return {
    configMap: (...which) => read('configmap', which, configMapData),
    secret: (...which) => read('secret', which, secretData),
    token: (request) => requestToken(client, request),
  };
}

function configMapData({ data = {}, binaryData = {} }: ConfigMap): ObjectData {
  return new Map([
    ...Object.entries(data).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries(binaryData).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
  ]);
}

function secretData({ data = {} }: Secret): ObjectData {
  return new Map(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64')]));
}

async function requestToken(client: KubeClient, request: TokenRequest): Promise<string> {
  const { namespace, serviceAccount, audience, expirationSeconds, pod } = request;
  const answer = await client.createSubresource<KubeObject & { readonly status?: { readonly token?: string } }>(
    SERVICE_ACCOUNTS,
    { namespace, name: serviceAccount },
    'token',
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: audience === undefined ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid },
      },
    } as KubeObject,
  );
  const token = answer.status?.token;
  if (token === undefined) throw new SluiceError('config-missing', `no token for service account ${serviceAccount}`);
  return token;
}
