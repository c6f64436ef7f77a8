import { describe, expect, it } from 'vitest';
import { datastoreType } from '../datastore/open-datastore.ts';
import { etcdConfig } from './config.ts';

const FILES: Readonly<Record<string, string>> = { '/ca': 'CA', '/cert': 'CERT', '/key': 'KEY' };

function read(path: string): string {
  const text = FILES[path];
  if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
  return text;
}

describe('the configuration of etcd', () => {
  it("is read from Calico's variables", () => {
    const env = {
      ETCD_ENDPOINTS: 'https://10.0.0.1:2379, https://10.0.0.2',
      ETCD_CA_CERT_FILE: '/ca',
      ETCD_CERT_FILE: '/cert',
      ETCD_KEY_FILE: '/key',
      ETCD_USERNAME: 'sluice',
      ETCD_PASSWORD: 'secret',
    };
    expect(etcdConfig(env, read)).toMatchObject({
      endpoints: [
        { secure: true, address: { host: '10.0.0.1', port: 2379 } },
        { secure: true, address: { host: '10.0.0.2', port: 2379 } },
      ],
      ca: 'CA',
      certificate: 'CERT',
      key: 'KEY',
      username: 'sluice',
      password: 'secret',
    });
  });

  it('takes empty variables for absent ones, as a manifest has them', () => {
    const env = { ETCD_ENDPOINTS: 'http://10.0.0.1:2379', ETCD_CA_CERT_FILE: '', ETCD_USERNAME: '', ETCD_PASSWORD: '' };
    expect(Object.keys(etcdConfig(env, read))).toEqual(['endpoints']);
  });

  it('tells every mistake in one message', () => {
    const env = {
      ETCD_ENDPOINTS: '10.0.0.1:2379',
      ETCD_CA_CERT_FILE: '/nowhere',
      ETCD_CERT_FILE: '/cert',
      ETCD_USERNAME: 'sluice',
    };
    expect(() => etcdConfig(env, read)).toThrow(
      [
        "ETCD_ENDPOINTS: '10.0.0.1:2379': an etcd endpoint is http://host:port, https://host:port or unix://path",
        "ETCD_CA_CERT_FILE: ENOENT: no such file or directory, open '/nowhere'",
        'ETCD_CERT_FILE and ETCD_KEY_FILE: one is of no use without the other',
        'ETCD_USERNAME and ETCD_PASSWORD: one is of no use without the other',
      ].join('; '),
    );
  });
});

describe('the type of the datastore', () => {
  it.each([
    [undefined, 'kubernetes'],
    ['', 'kubernetes'],
    ['kubernetes', 'kubernetes'],
    ['etcdv3', 'etcdv3'],
  ])('%s is %s', (text, type) => {
    expect(datastoreType(text)).toBe(type);
  });

  it('is one that there is', () => {
    expect(() => datastoreType('etcd')).toThrow("DATASTORE_TYPE is 'etcd', must be one of kubernetes, etcdv3");
  });
});
