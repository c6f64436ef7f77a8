import { release } from 'node:os';
import { join } from 'node:path';
import { hasCode, messageOf } from '../../base/errors.ts';
import { jsonLogger } from '../../base/log.ts';
import { openSegmentAnswers } from '../../host/announce/answers.ts';
import { openBird } from '../../host/bird/bird.ts';
import { openBpf } from '../../host/bpf/kernel.ts';
import { openConntrack } from '../../host/conntrack/kernel.ts';
import { lockableClient } from '../../host/datastore/lockable-client.ts';
import { openDatastore } from '../../host/datastore/open-datastore.ts';
import { openOffloads } from '../../host/ethtool/ethtool.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { httpKubeClient } from '../../host/kube-client/http-client.ts';
import { inClusterConfig } from '../../host/kube-client/in-cluster.ts';
import { loadKubeconfig } from '../../host/kube-client/kubeconfig.ts';
import type { ClusterConfig } from '../../host/kube-client/connection.ts';
import { openIpvs } from '../../host/ipvs/kernel.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { openLinkReaper } from '../../host/netlink/link-reaper.ts';
import { openTrafficControl } from '../../host/tc/kernel.ts';
import { openPacketCopies } from '../../host/nflog/kernel.ts';
import { openNftables } from '../../host/nftables/kernel.ts';
import { openChecksumProbe } from '../../host/probe/checksum-probe.ts';
import { openEchoes } from '../../host/probe/echo.ts';
import { openSysctl } from '../../host/sysctl/sysctl.ts';
import { openWireguard } from '../../host/wireguard/kernel.ts';
import { runAgent } from './agent.ts';
import { openCarriedNetlink } from './carried-netlink.ts';
import { fileEndpointStore } from './endpoint-store.ts';
import { openFlannel } from './flannel-etcd.ts';
import { agentOptions } from './options.ts';
import type { Environment } from './run-dir.ts';
import { textFile } from './text-file.ts';

/**
 * `sluice agent`: the agent of the node that it runs on, set up from the environment, until `signal` aborts. Returns
 * the exit code: 0 after a clean end, 2 when the set-up is wrong.
 */
export async function runAgentProgram(env: Environment, signal: AbortSignal): Promise<number> {
  try {
    const asked = agentOptions(env);
    const config = await clusterConfigOf(env);
    const log = jsonLogger(
      { level: asked.logLevel, fields: { node: asked.node } },
      { write: (line) => void process.stdout.write(`${line}\n`), now: () => new Date().toISOString() },
    );
    const kubernetes = httpKubeClient(config);
    using stack = new DisposableStack();
    stack.defer(() => kubernetes.close());
    const datastore = stack.use(await openDatastore(env, kubernetes, (message) => log.warn(message)));
    const onError = (what: string, error: unknown): void => log.warn(what, { error: messageOf(error) });
    const client = lockableClient(datastore.client, onError, signal);
    const { options, world: flannel } = stack.use(await openFlannel(asked, env, { log, signal }));
    await using netlink = openCarriedNetlink({ ...options, ovsDatabase: env['SLUICE_OVS_DB'] ?? '' }, log);
    using reaper = openLinkReaper();
    using trafficControl = openTrafficControl();
    using nftables = openNftables();
    using bridgeFilter = openNftables({ family: 'bridge' });
    using conntrack = openConntrack();
    using echoes = openEchoes();
    using segments = openSegmentAnswers(netlink);
    await runAgent(
      options,
      {
        client,
        calicoNodes: datastore.type === 'etcdv3',
        netlink,
        carried: () => netlink.counters(),
        reaper,
        trafficControl,
        nftables,
        bridgeFilter,
        openBpf,
        conntrack,
        log,
        blockStore: kubeBlockStore({ client, report: (message) => log.warn(message) }),
        openPod: (netns) => ({ netlink: openNetlink({ netns }), sysctl: openSysctl({ netns }) }),
        openPodFilter: (pod, family) => openNftables({ netns: pod, family: family ?? 'inet' }),
        openPodConntrack: (pod) => openConntrack({ netns: pod }),
        openWireguard,
        openIpvs,
        wireguardKeys: textFile(join(options.stateDir, 'wireguard-keys.json')),
        sysctl: openSysctl(),
        echoes,
        segments,
        checksums: { offloads: openOffloads(), kernel: release(), probe: openChecksumProbe() },
        endpoints: fileEndpointStore(join(options.stateDir, 'endpoints')),
        copies: openPacketCopies(),
        openBird: () =>
          openBird({
            folder: join(options.runDir, 'bird'),
            onEnd: () => log.error('BIRD has ended; it is started again'),
          }),
        domains: textFile(join(options.stateDir, 'domain-names.json')),
        flannel,
        now: Date.now,
      },
      signal,
    );
    return 0;
  } catch (error) {
    // Asked to end while it waited for what it needs to begin.
    if (signal.aborted && hasCode(error, 'aborted')) return 0;
    process.stderr.write(`sluice agent: ${messageOf(error)}\n`);
    return 2;
  }
}

async function clusterConfigOf(env: Environment): Promise<ClusterConfig> {
  const { KUBECONFIG: path, SLUICE_API_SOCKET: socketPath } = env;
  const config = path === undefined || path === '' ? inClusterConfig(env) : await loadKubeconfig(path);
  return socketPath === undefined ? config : { ...config, socketPath };
}
