import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../base/log.ts';
import { EtcdServer } from '../../host/etcd/etcd.test-support.ts';
import { flannelEtcdOptions, openFlannel } from './flannel-etcd.ts';
import { agentOptions } from './options.ts';
import type { Environment } from './run-dir.ts';

const ENDPOINTS = { SLUICE_FLANNEL_ETCD_ENDPOINTS: 'http://10.0.0.1:2379,http://10.0.0.2:2379' };

describe('where flannel has its leases', () => {
  it('is not etcd when nobody says so', () => {
    expect(flannelEtcdOptions({})).toBeUndefined();
    expect(flannelEtcdOptions({ ETCD_ENDPOINTS: 'http://10.0.0.1:2379' })).toBeUndefined();
  });

  it("is the etcd that is named, below flannel's prefix or another", () => {
    const read = (path: string): string => `the text of ${path}`;
    const tls = { SLUICE_FLANNEL_ETCD_CA_CERT_FILE: '/ca', ETCD_CA_CERT_FILE: '/of-something-else' };
    expect(flannelEtcdOptions({ ...ENDPOINTS, ...tls }, read)).toMatchObject({
      prefix: '/coreos.com/network',
      etcd: { endpoints: [{ text: 'http://10.0.0.1:2379' }, {}], ca: 'the text of /ca' },
    });
    for (const prefix of ['kube/network', '/kube/network', '/kube/network/'])
      expect(flannelEtcdOptions({ ...ENDPOINTS, SLUICE_FLANNEL_ETCD_PREFIX: prefix })!.prefix).toBe('/kube/network');
  });

  it('is refused by the names that were given, and beside a net-conf.json', () => {
    const bad = { SLUICE_FLANNEL_ETCD_ENDPOINTS: '10.0.0.1', SLUICE_FLANNEL_ETCD_USERNAME: 'flannel' };
    expect(() => flannelEtcdOptions(bad)).toThrow(
      /^SLUICE_FLANNEL_ETCD_ENDPOINTS: '10\.0\.0\.1'.*; SLUICE_FLANNEL_ETCD_USERNAME and SLUICE_FLANNEL_ETCD_PASSWORD: /u,
    );
    expect(() => flannelEtcdOptions({ ...ENDPOINTS, SLUICE_FLANNEL_NET_CONF: '{}' })).toThrow(/leave out one of them/u);
  });
});

describe('a node that joins a network of which etcd tells', () => {
  let server: EtcdServer;
  const directory = mkdtempSync(join(tmpdir(), 'sluice-flannel-'));

  beforeAll(async () => {
    server = await EtcdServer.start();
  });
  beforeEach(() => void server.ctl('del', '--prefix', '/'));
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  const open = (signal = new AbortController().signal) => {
    const env: Environment = {
      NODE_NAME: 'n1',
      SLUICE_FLANNEL_ETCD_ENDPOINTS: server.endpoint,
      SLUICE_FLANNEL_SUBNET_FILE: join(directory, 'subnet.env'),
    };
    return openFlannel(agentOptions(env), env, { log: silentLogger, signal });
  };
  const CONFIG = '/coreos.com/network/config';

  it('waits for the configuration and does what it says, with blocks that fit into a subnet', async () => {
    const opening = open();
    server.ctl('put', CONFIG, '{"Network":"10.5.0.0/20","SubnetLen":28,"Backend":{"Type":"vxlan","VNI":7}}');
    using opened = await opening;
    expect(opened.options).toMatchObject({
      backend: 'flannel-vxlan',
      vxlan: { vni: 7, port: 8472 },
      defaultPools: [{ blockSize: 28 }],
    });
    expect(opened.world.etcd!.cuts[4]).toMatchObject({ length: 28 });
    expect(await opened.world.etcd!.store.list()).toMatchObject({ entries: [] });
  });

  it('says what is wrong with the configuration', async () => {
    server.ctl('put', CONFIG, '{"Network":"10.5.0.0/16","SubnetLen":17,"Backend":{"Type":"vxlan"}}');
    await expect(open()).rejects.toMatchObject({
      code: 'invalid-options',
      message: expect.stringContaining('/coreos.com/network/config in etcd: SubnetLen is 17') as string,
    });
  });

  it('ends when it is told to while it waits', async () => {
    const stop = new AbortController();
    const opening = open(stop.signal);
    stop.abort();
    await expect(opening).rejects.toMatchObject({ code: 'aborted' });
  });
});
