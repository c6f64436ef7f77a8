import type { KeyPair } from './certificates.ts';

/** What a kubeconfig holds for one cluster. */
export interface KubeconfigInput {
  readonly clusterName: string;
  readonly server: string;
  readonly ca: string;
  readonly user: { readonly name: string; readonly client?: KeyPair; readonly token?: string };
}

/** The kubeconfig as text (JSON, which is YAML too), with everything inline. */
export function kubeconfig({ clusterName, server, ca, user }: KubeconfigInput): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: clusterName, cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [
      {
        name: user.name,
        user: {
          ...(user.client === undefined
            ? {}
            : {
                'client-certificate-data': base64(user.client.certificate),
                'client-key-data': base64(user.client.key),
              }),
          ...(user.token === undefined ? {} : { token: user.token }),
        },
      },
    ],
    contexts: [{ name: clusterName, context: { cluster: clusterName, user: user.name } }],
    'current-context': clusterName,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
