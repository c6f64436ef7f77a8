import { describe, expect, it } from 'vitest';
import type { BgpStatus } from '../app/agent/bgp-speaker.ts';
import { isWell, nodeStatusText } from './node-status.ts';
import { runCli } from './run-cli.test-support.ts';

const session = {
  state: 'up',
  since: '2026-01-02 03:04:05',
  info: 'Established',
  localAs: 64_512,
  imported: 2,
  exported: 3,
};
const STATUS: BgpStatus = {
  node: 'node-1',
  error: '',
  notReady: '',
  problems: [],
  sessions: [
    { ...session, name: 'Mesh_172_30_1_12', peer: '172.30.1.12', peerAs: 64_512 },
    {
      ...session,
      name: 'Global_192_0_2_1',
      peer: '192.0.2.1',
      peerAs: 65_000,
      state: 'start',
      info: 'Connect',
      imported: 0,
    },
  ],
  routes: [
    {
      destination: '10.244.1.0/26',
      type: 'unicast',
      hops: [{ via: '172.30.1.12', link: 'eth0' }],
      from: 'Mesh_172_30_1_12',
      best: true,
    },
    {
      destination: '10.244.1.0/26',
      type: 'unicast',
      hops: [{ via: '172.30.1.1', link: 'eth0' }],
      from: 'Global_192_0_2_1',
      best: false,
    },
    { destination: '10.244.0.0/26', type: 'blackhole', hops: [], from: 'workloads4', best: true },
  ],
};

describe('sluice node status', () => {
  it('shows each session, what it is, and what was learnt by it', () => {
    expect(nodeStatusText(STATUS)).toBe(`Node node-1: 1 of 2 BGP sessions established

PEER          AS      TYPE                STATE   SINCE                 INFO          ROUTES IN   OUT
172.30.1.12   64512   node-to-node mesh   up      2026-01-02 03:04:05   Established   2           3
192.0.2.1     65000   global              start   2026-01-02 03:04:05   Connect       0           3

  ROUTE           VIA                    FROM
* 10.244.1.0/26   172.30.1.12 dev eth0   172.30.1.12
  10.244.1.0/26   172.30.1.1 dev eth0    192.0.2.1`);
  });

  it('is well only when every session is established and nothing is amiss', () => {
    expect(isWell(STATUS)).toBe(false);
    const well = { ...STATUS, sessions: STATUS.sessions.slice(0, 1) };
    expect(isWell(well)).toBe(true);
    const problems = [{ object: 'BGPPeer/tor', message: 'no session until there is a password' }];
    expect(isWell({ ...well, problems })).toBe(false);
    const notReady = 'the graceful restart of BGP is not over';
    expect(isWell({ ...well, notReady })).toBe(false);
    expect(nodeStatusText({ ...well, notReady })).toContain(`established\nNot ready: ${notReady}\n`);
    expect(nodeStatusText({ ...well, problems })).toContain('Problems:\n  BGPPeer/tor: no session');
  });

  it('says what it knows when it is asked for something else', async () => {
    expect(await runCli('node', 'routes')).toMatchObject({ code: 2, err: expect.stringContaining('status') });
  });
});
