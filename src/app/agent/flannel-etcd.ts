import { dirname, join } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { ETCD_PREFIX, parseEtcdNetConf } from '../../core/flannel/index.ts';
import { etcdConfig } from '../../host/etcd/config.ts';
import type { EtcdConfig } from '../../host/etcd/client.ts';
import { LeaseStore } from '../../host/flannel/lease-store.ts';
import type { FlannelWorld } from './dependencies.ts';
import { withFlannel } from './flannel-options.ts';
import type { AgentOptions } from './options.ts';
import { persist } from './persist.ts';
import type { Environment } from './run-dir.ts';
import { textFile } from './text-file.ts';

/** flannel's etcd as the environment names it. */
export interface FlannelEtcdOptions {
  readonly etcd: EtcdConfig;
  /** Before all keys, without a slash at its end. */
  readonly prefix: string;
}

/** A node's part in whatever flannel network there is. */
export interface OpenedFlannel extends Disposable {
  readonly options: AgentOptions;
  readonly world: FlannelWorld;
}

/** Stands before Calico's names of what says where an etcd is. */
const VARIABLES = 'SLUICE_FLANNEL_';
/** As flannel has it: a day. */
const LEASE_SECONDS = 86_400;

/** Reads `SLUICE_FLANNEL_ETCD_…`; undefined: leases are not in etcd. Throws `invalid-options`. */
export function flannelEtcdOptions(env: Environment, read?: (path: string) => string): FlannelEtcdOptions | undefined {
  if ((env[`${VARIABLES}ETCD_ENDPOINTS`] ?? '').trim() === '') return undefined;
  if ((env['SLUICE_FLANNEL_NET_CONF'] ?? '').trim() !== '')
    throw new SluiceError(
      'invalid-options',
      'SLUICE_FLANNEL_ETCD_ENDPOINTS (flannel_etcd_endpoints) and SLUICE_FLANNEL_NET_CONF (net-conf.json) are both set: ' +
        'in etcd, flannel has its configuration there; leave out one of them',
    );
  const given = env[`${VARIABLES}ETCD_PREFIX`] ?? '';
  const prefix = `/${(given === '' ? ETCD_PREFIX : given).replaceAll(/^\/+|\/+$/gu, '')}`;
  return { etcd: etcdConfig(env, read, VARIABLES), prefix };
}

/**
 * Opens what the flannel network of the node needs, if it is in one. Where that is in etcd it waits, until `signal` aborts,
 * for the configuration there; throws `invalid-options` with everything that is wrong in it.
 */
export async function openFlannel(
  options: AgentOptions,
  env: Environment,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<OpenedFlannel> {
  const where = flannelEtcdOptions(env);
  const path = env['SLUICE_FLANNEL_SUBNET_FILE'] ?? '';
  // Others read it: flannel's own CNI plugin.
  const subnetPath = path === '' ? join('/run', 'flannel', 'subnet.env') : path;
  const subnetFile = textFile(subnetPath, 0o644);
  // As flannel has it, so that a node that changes hands keeps its key.
  const wireguardKey = textFile(join(dirname(subnetPath), 'wgkey'), 0o400);
  if (where === undefined || options.policyOnly !== undefined)
    return { options, world: { subnetFile, wireguardKey }, [Symbol.dispose]: () => undefined };
  // Loaded by those who need it, as for the datastore.
  const { etcdClient } = await import('../../host/etcd/client.ts');
  const etcd = etcdClient(where.etcd);
  const store = new LeaseStore(etcd, where.prefix, LEASE_SECONDS);
  try {
    const text = await configOf(store, where.prefix, { log, signal });
    const reading = parseEtcdNetConf(text);
    if (reading.kind === 'bad')
      throw new SluiceError(
        'invalid-options',
        reading.problems.map((problem) => `${where.prefix}/config in etcd: ${problem}`).join('; '),
      );
    return {
      options: withFlannel(options, reading.netConf, reading.cuts),
      world: { subnetFile, wireguardKey, etcd: { store, cuts: reading.cuts } },
      [Symbol.dispose]: () => etcd.close(),
    };
  } catch (error) {
    etcd.close();
    throw error;
  }
}

async function configOf(
  store: LeaseStore,
  prefix: string,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<string> {
  let text: string | undefined;
  let told = '';
  const read = async (): Promise<void> => {
    text = await store.config(signal);
    if (text === undefined)
      throw new SluiceError('no-config', `there is no ${prefix}/config: flannel's configuration belongs there`);
  };
  const onFailure = (reason: string): void => {
    if (reason !== told) log.warn("waiting for flannel's configuration in etcd", { error: reason });
    told = reason;
  };
  await persist(read, onFailure, signal);
  if (text === undefined) throw new SluiceError('aborted', "stopped while waiting for flannel's configuration in etcd");
  return text;
}
