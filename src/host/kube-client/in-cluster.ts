import { readFileSync } from 'node:fs';
import { SluiceError } from '../../base/errors.ts';
import type { ClusterConfig } from './connection.ts';

/** Where the kubelet mounts a pod's service-account credentials. */
export const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

/** How long a token that was read from disk is used before it is read again; the kubelet rotates it well ahead. */
const TOKEN_AGE = 60_000;

/**
 * The API server as a pod sees it: address from KUBERNETES_SERVICE_HOST and _PORT, CA and token from the mounted
 * service account. Error `no-cluster` names what is missing.
 */
export function inClusterConfig(
  env: Readonly<Record<string, string | undefined>>,
  directory: string = SERVICE_ACCOUNT_DIRECTORY,
): ClusterConfig {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (host === undefined || host === '')
    throw new SluiceError('no-cluster', 'KUBERNETES_SERVICE_HOST is not set: this does not run inside a cluster');
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: read(`${directory}/ca.crt`),
    token: tokenFile(`${directory}/token`),
  };
}

/** A token that follows its file. */
export function tokenFile(path: string): () => string {
  let token = read(path).trim();
  let readAt = Date.now();
  return () => {
    if (Date.now() - readAt > TOKEN_AGE) {
      token = read(path).trim();
      readAt = Date.now();
    }
    return token;
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SluiceError('no-cluster', `cannot read the service account's ${path}`, { path }, error);
  }
}
