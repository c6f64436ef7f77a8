import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { OwnTunnel } from '../../core/routing/index.ts';
import type { Offloads } from '../../host/ethtool/ethtool.ts';

export interface ChecksumOffloadDependencies {
  /** Absent where devices are not asked. */
  readonly offloads: Offloads | undefined;
  /** The kernel's release, `5.15.0-…`. */
  readonly kernel: string;
  /** What the configuration says; undefined: by the kernel. */
  readonly broken: () => boolean | undefined;
  readonly log: Logger;
}

/** What `sluice status -o json` shows of one device. */
export interface ChecksumOffloadStatus {
  readonly device: string;
  /** Whether the network card fills in the checksums of what is wrapped. */
  readonly txChecksum: boolean;
  readonly reason: string;
}

/** Before 5.7 kernels garble checksums of what VXLAN carries on some network cards; the bound is Calico's. */
const SOUND_SINCE = [5, 7] as const;

/** Switches checksum offload of VXLAN devices off where it corrupts packets. */
export class ChecksumOffload {
  readonly #dependencies: ChecksumOffloadDependencies;
  #status: readonly ChecksumOffloadStatus[] = [];

  constructor(dependencies: ChecksumOffloadDependencies) {
    this.#dependencies = dependencies;
  }

  get status(): readonly ChecksumOffloadStatus[] {
    return this.#status;
  }

  /** Looks at the devices that there are now. */
  settle(tunnels: readonly OwnTunnel[]): void {
    const { offloads } = this.#dependencies;
    if (offloads === undefined) return;
    const devices = tunnels.filter(({ link }) => link.kind === 'vxlan').map(({ link }) => link.name);
    this.#status = devices.map((device) => this.#settle(device, offloads));
  }

  #settle(device: string, offloads: Offloads): ChecksumOffloadStatus {
    const { wanted, reason } = this.#decision();
    try {
      const present = offloads.txChecksum(device);
      if (wanted === undefined || wanted === present) return { device, txChecksum: present, reason };
      offloads.setTxChecksum(device, wanted);
      this.#dependencies.log.info('checksum offload switched', { device, txChecksum: wanted, reason });
      return { device, txChecksum: wanted, reason };
    } catch (error) {
      return { device, txChecksum: true, reason: `cannot be switched: ${messageOf(error)}` };
    }
  }

  /** `wanted` is undefined where it stays as somebody set it. */
  #decision(): { readonly wanted: boolean | undefined; readonly reason: string } {
    const { kernel, broken } = this.#dependencies;
    const said = broken();
    if (said !== undefined) return { wanted: !said, reason: `featureDetectOverride: ChecksumOffloadBroken=${said}` };
    if (isOlder(kernel, SOUND_SINCE))
      return { wanted: false, reason: `kernel ${kernel} is older than ${SOUND_SINCE.join('.')}` };
    return { wanted: undefined, reason: `kernel ${kernel} has no known fault` };
  }
}

/** A release that cannot be read counts as old. */
function isOlder(release: string, [major, minor]: readonly [number, number]): boolean {
  const [own = 0, ownMinor = 0] = (/^(\d+)\.(\d+)/.exec(release) ?? []).slice(1).map(Number);
  return own < major || (own === major && ownMinor < minor);
}
