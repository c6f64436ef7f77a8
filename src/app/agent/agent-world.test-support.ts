import { join } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import type { LogLevel } from '../../base/log.ts';
import { jsonLogger, silentLogger } from '../../base/log.ts';
import type { Logger } from '../../base/log.ts';
import type { BackendName } from '../../core/routing/index.ts';
import { openSegmentAnswers } from '../../host/announce/answers.ts';
import { openBpf } from '../../host/bpf/kernel.ts';
import { openBird } from '../../host/bird/bird.ts';
import { openConntrack } from '../../host/conntrack/kernel.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import type { KubeClient } from '../../host/kube-client/types.ts';
import { openIpvs } from '../../host/ipvs/kernel.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import { openLinkReaper } from '../../host/netlink/link-reaper.ts';
import { openTrafficControl } from '../../host/tc/kernel.ts';
import { openPacketCopies } from '../../host/nflog/kernel.ts';
import { openNftables } from '../../host/nftables/kernel.ts';
import { openEchoes } from '../../host/probe/echo.ts';
import { openSysctl } from '../../host/sysctl/sysctl.ts';
import { openWireguard } from '../../host/wireguard/kernel.ts';
import { openCarriedNetlink } from './carried-netlink.ts';
import type { AgentDependencies } from './dependencies.ts';
import { fileEndpointStore } from './endpoint-store.ts';
import { textInMemory } from './text-file.ts';

/** Where an agent of a test runs. */
interface AgentPlace {
  readonly name: string;
  /** Path of the node's network namespace. */
  readonly netns: string;
  readonly runDir: string;
  readonly stateDir: string;
  /** As if its kernel had no WireGuard. */
  readonly plain: boolean;
  readonly backend: BackendName;
  readonly client: KubeClient;
}

/** What an agent touches, all of it real and inside the node's namespace; what is open goes with `stack`. */
export function agentWorld(
  { name, netns, runDir, stateDir, plain, backend, client }: AgentPlace,
  stack: AsyncDisposableStack,
): AgentDependencies {
  const log = logOf(name);
  const command = ['nsenter', `--net=${netns}`] as const;
  const netlink = stack.use(openCarriedNetlink({ backend, runDir, netns: { ref: netns, command } }, log));
  return {
    client,
    blockStore: kubeBlockStore({ client, report: () => undefined }),
    netlink,
    segments: stack.use(openSegmentAnswers(netlink, { netns })),
    reaper: stack.use(openLinkReaper({ netns })),
    trafficControl: stack.use(openTrafficControl({ netns })),
    nftables: stack.use(openNftables({ netns })),
    openBpf: () => openBpf({ netns }),
    conntrack: stack.use(openConntrack({ netns })),
    sysctl: openSysctl({ netns }),
    echoes: stack.use(openEchoes({ netns })),
    openWireguard: () => {
      if (plain) throw new SluiceError('not-found', 'no WireGuard');
      return openWireguard({ netns });
    },
    openIpvs: () => openIpvs({ netns }),
    wireguardKeys: textInMemory(),
    openPod: (pod) => ({ netlink: openNetlink({ netns: pod }), sysctl: openSysctl({ netns: pod }) }),
    openPodFilter: (pod, family) => openNftables({ netns: pod, family: family ?? 'inet' }),
    openPodConntrack: (pod) => openConntrack({ netns: pod }),
    endpoints: fileEndpointStore(join(stateDir, 'endpoints')),
    copies: openPacketCopies({ netns }),
    openBird: () => openBird({ folder: join(runDir, 'bird'), command: [...command, '/usr/sbin/bird'] }),
    domains: textInMemory(),
    log,
    now: Date.now,
  };
}

/** Silent unless `SLUICE_TEST_LOG` names a level. */
function logOf(node: string): Logger {
  const level = process.env['SLUICE_TEST_LOG'] as LogLevel | undefined;
  if (level === undefined) return silentLogger;
  return jsonLogger(
    { level, fields: { node } },
    { write: (line) => void process.stderr.write(`${line}\n`), now: () => new Date().toISOString() },
  );
}
