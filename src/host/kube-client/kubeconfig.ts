import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import type { ClusterConfig } from './connection.ts';
import { tokenFile } from './in-cluster.ts';

/** The part of `kubectl config` files that is understood: static credentials, no exec plugins. */
interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly { readonly name?: string; readonly context?: Context }[];
  readonly clusters?: readonly { readonly name?: string; readonly cluster?: Cluster }[];
  readonly users?: readonly { readonly name?: string; readonly user?: User }[];
}

interface Context {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

interface Cluster {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
}

interface User {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly exec?: unknown;
}

/** Reads a kubeconfig file; relative file names in it are relative to it. `context` absent: the current one. */
export async function loadKubeconfig(path: string, context?: string): Promise<ClusterConfig> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new SluiceError('bad-kubeconfig', `cannot read the kubeconfig ${path}`, { path }, error);
  }
  return clusterConfigOf(await parseYaml(text, path), path, context);
}

async function parseYaml(text: string, path: string): Promise<Kubeconfig> {
  // Loaded on demand: the agent runs in a cluster and never needs YAML.
  const { parse } = await import('yaml');
  try {
    return (parse(text) ?? {}) as Kubeconfig;
  } catch (error) {
    throw new SluiceError('bad-kubeconfig', `${path} is not valid YAML`, { path }, error);
  }
}

function clusterConfigOf(config: Kubeconfig, path: string, wanted: string | undefined): ClusterConfig {
  const contextName = wanted ?? config['current-context'];
  const context = config.contexts?.find(({ name }) => name === contextName)?.context;
  if (context === undefined) throw bad(path, `it has no context '${contextName ?? ''}'`);
  const cluster = config.clusters?.find(({ name }) => name === context.cluster)?.cluster;
  if (cluster?.server === undefined) throw bad(path, `its cluster '${context.cluster ?? ''}' has no server`);
  const user = config.users?.find(({ name }) => name === context.user)?.user ?? {};
  if (user.exec !== undefined) throw bad(path, `its user '${context.user ?? ''}' uses an exec plugin`);
  const inline = (data: string | undefined, file: string | undefined): string | undefined =>
    data !== undefined
      ? Buffer.from(data, 'base64').toString('utf8')
      : file !== undefined
        ? readFileSync(resolve(dirname(path), file), 'utf8')
        : undefined;
  const token = user.tokenFile === undefined ? user.token : tokenFile(resolve(dirname(path), user.tokenFile));
  return dropUndefined({
    server: cluster.server,
    ca: inline(cluster['certificate-authority-data'], cluster['certificate-authority']),
    skipTlsVerify: cluster['insecure-skip-tls-verify'],
    tlsServerName: cluster['tls-server-name'],
    clientCertificate: inline(user['client-certificate-data'], user['client-certificate']),
    clientKey: inline(user['client-key-data'], user['client-key']),
    token,
    namespace: context.namespace,
  });
}

function bad(path: string, why: string): SluiceError {
  return new SluiceError('bad-kubeconfig', `the kubeconfig ${path} cannot be used: ${why}`, { path });
}

function dropUndefined<T extends object>(
  value: T,
): { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as never;
}
