import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBird } from '../../../../src/host/bird/bird.ts';
import { BGP_PEERS } from '../../../../src/host/kube-client/resources.ts';
import type { TestCluster } from '../../../../src/app/agent/cluster.test-support.ts';

const AS = 64_512;
const [PEERS] = BGP_PEERS.toReversed() as [(typeof BGP_PEERS)[number]];
const ENDS = [
  ['ipv4', '172.30.1.1', '172.30.0.0/16'],
  ['ipv6', 'fd00:30:1::1', 'fd00:30::/32'],
] as const;

/** The router between the segments hears of every node's pods, and tells nobody: among each other the nodes are a mesh. */
export async function startRouterBird(cluster: TestCluster): Promise<AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'slc-router-'));
  const bird = openBird({ folder, command: ['nsenter', `--net=${cluster.router}`, '/usr/sbin/bird'] });
  await bird.configure(`router id 172.30.1.1;
protocol device { }
protocol direct { ipv4; ipv6; }
${ENDS.map(
  ([family, local, nodes]) => `protocol kernel { ${family} { import none; export where source = RTS_BGP; }; }
protocol bgp {
  dynamic name "node";
  local ${local} as ${AS};
  neighbor range ${nodes} as ${AS};
  multihop;
  ${family} { import all; export none; gateway recursive; };
}`,
).join('\n')}
`);
  for (const [family, peerIP] of ENDS)
    await cluster.client.create(PEERS, { metadata: { name: family }, spec: { peerIP, asNumber: AS } } as object);
  return {
    async [Symbol.asyncDispose]() {
      await bird.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
