import { join } from 'node:path';
import type { Logger } from '../../base/log.ts';
import type { BackendName } from '../../core/routing/index.ts';
import { openNetlink } from '../../host/netlink/kernel.ts';
import type { Netlink } from '../../host/netlink/port.ts';
import type { NetnsRef } from '../../host/netns/netns.ts';
import { startOvs } from '../../host/ovs/daemons.ts';
import { OvsTunnels } from '../../host/ovs/ovs-tunnels.ts';
import { openUserTunnels } from '../../host/tun/kernel.ts';
import { TunnelNetlink } from '../../host/tun/tunnel-netlink.ts';

/** What decides who carries packets that the kernel's own devices do not. */
export interface CarriedNetlinkOptions {
  readonly backend: BackendName;
  readonly runDir: string;
  /** The database socket of the node's own Open vSwitch, in the folder of its other sockets; absent: ours is started. */
  readonly ovsDatabase?: string;
  /** Of another network namespace; `command` enters it. */
  readonly netns?: { readonly ref: NetnsRef; readonly command: readonly string[] };
}

/**
 * The node's netlink, with the kind of tunnel that the backend needs the agent for: `ovs` through Open vSwitch, all
 * others, should they, through a thread of the agent. Throws `not-found` when Open vSwitch is needed and not there.
 */
export function openCarriedNetlink(options: CarriedNetlinkOptions, log: Logger): TunnelNetlink {
  const { backend, netns } = options;
  const kernel = openNetlink(netns === undefined ? {} : { netns: netns.ref });
  if (backend !== 'ovs')
    return new TunnelNetlink(kernel, 'tun', (onFailure) =>
      openUserTunnels(
        (reason) => {
          log.warn('the tunnel in user space ended and is set up again', { reason });
          onFailure(reason);
        },
        netns === undefined ? {} : { netns: netns.ref },
      ),
    );
  return new TunnelNetlink(kernel, 'ovs', (onFailure) => openSwitch(options, log, kernel, onFailure));
}

function openSwitch(
  { runDir, ovsDatabase = '', netns }: CarriedNetlinkOptions,
  log: Logger,
  kernel: Netlink,
  onFailure: (reason: string) => void,
): OvsTunnels {
  if (ovsDatabase !== '') return new OvsTunnels({ database: ovsDatabase, folder: join(ovsDatabase, '..') }, kernel);
  const own = startOvs({
    folder: join(runDir, 'ovs'),
    ...(netns === undefined ? {} : { command: netns.command }),
    onEnd: () => {
      log.error('Open vSwitch has ended; it is started again');
      onFailure('Open vSwitch has ended');
    },
  });
  return new OvsTunnels(own.sockets, kernel, own);
}
