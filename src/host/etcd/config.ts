import { readFileSync } from 'node:fs';
import { SluiceError, messageOf } from '../../base/errors.ts';
import type { EtcdConfig } from './client.ts';
import { parseEndpoints } from './endpoint.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the certificates' files are said to be; the names are Calico's. */
const FILES = { ca: 'ETCD_CA_CERT_FILE', certificate: 'ETCD_CERT_FILE', key: 'ETCD_KEY_FILE' } as const;

/**
 * Reads Calico's variables: `ETCD_ENDPOINTS` (comma-separated), `ETCD_CA_CERT_FILE`, `ETCD_CERT_FILE`, `ETCD_KEY_FILE`,
 * `ETCD_USERNAME` and `ETCD_PASSWORD`. Throws `invalid-options` with every mistake in one message.
 */
export function etcdConfig(env: Environment, read: (path: string) => string = readText): EtcdConfig {
  const problems: string[] = [];
  const attempt = <T>(name: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      problems.push(`${name}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const endpoints = attempt('ETCD_ENDPOINTS', () => parseEndpoints(env['ETCD_ENDPOINTS'] ?? '')) ?? [];
  const identity: Record<string, string> = {};
  for (const [field, name] of Object.entries(FILES)) {
    const path = env[name] ?? '';
    const text = path === '' ? undefined : attempt(name, () => read(path));
    if (text !== undefined) identity[field] = text;
  }
  if (isSet(env, 'ETCD_CERT_FILE') !== isSet(env, 'ETCD_KEY_FILE'))
    problems.push('ETCD_CERT_FILE and ETCD_KEY_FILE: one is of no use without the other');
  if (isSet(env, 'ETCD_USERNAME') !== isSet(env, 'ETCD_PASSWORD'))
    problems.push('ETCD_USERNAME and ETCD_PASSWORD: one is of no use without the other');
  if (problems.length > 0) throw new SluiceError('invalid-options', problems.join('; '));
  const { ETCD_USERNAME: username = '', ETCD_PASSWORD: password = '' } = env;
  return { endpoints, ...identity, ...(username === '' ? {} : { username, password }) };
}

function isSet(env: Environment, name: string): boolean {
  return (env[name] ?? '') !== '';
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}
