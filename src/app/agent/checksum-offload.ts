import { messageOf } from '../../base/errors.ts';
import { formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import type { OwnTunnel } from '../../core/routing/index.ts';
import type { Offloads } from '../../host/ethtool/ethtool.ts';
import type { ChecksumProbe } from '../../host/probe/checksum-port.ts';

export interface ChecksumOffloadDependencies {
  /** Absent where devices are not asked. */
  readonly offloads: Offloads | undefined;
  /** The kernel's release, `5.15.0-…`. */
  readonly kernel: string;
  /** Tries the offload with packets; absent: it is judged by the kernel's release alone. */
  readonly probe?: ChecksumProbe;
  /** Addresses that are reached through the device. */
  readonly peers: (device: string) => readonly Ip[];
  /** What the configuration says; undefined: by the kernel. */
  readonly broken: () => boolean | undefined;
  /** A device's offload is no longer as it was. */
  readonly onSwitched?: () => void;
  readonly log: Logger;
}

/** What `sluice status -o json` shows of one device. */
export interface ChecksumOffloadStatus {
  readonly device: string;
  /** Whether the network card fills in the checksums of what is wrapped. */
  readonly txChecksum: boolean;
  readonly reason: string;
}

/** What packets have shown of a device's offload, and at whom. */
interface Finding {
  readonly sound: boolean;
  readonly peer: string;
}

/** Before 5.7 kernels garble checksums of what VXLAN carries on some network cards; the bound is Calico's. */
const SOUND_SINCE = [5, 7] as const;
/** How long an answer is waited for, milliseconds, try by try: one lost packet means nothing. */
const PATIENCE = [200, 400, 800] as const;
/** Between two rounds of packets through one device, milliseconds; less at first, while nobody has answered. */
const EVERY = 60_000;
const FIRST = 1000;

/**
 * Switches checksum offload of VXLAN devices off where it corrupts packets: where the kernel is known for it, and where
 * packets show it, which arrive when the kernel computes their checksums and do not when that is left to the device.
 */
export class ChecksumOffload {
  readonly #dependencies: ChecksumOffloadDependencies;
  readonly #findings = new Map<string, Finding>();
  /** The next round of each device. */
  readonly #rounds = new Map<string, NodeJS.Timeout>();
  #devices: readonly string[] = [];
  #stopped = false;
  #status: readonly ChecksumOffloadStatus[] = [];

  constructor(dependencies: ChecksumOffloadDependencies) {
    this.#dependencies = dependencies;
  }

  get status(): readonly ChecksumOffloadStatus[] {
    return this.#status;
  }

  /** Looks at the devices that there are now, and begins to try those that are new. */
  settle(tunnels: readonly OwnTunnel[]): void {
    this.#devices = tunnels.filter(({ link }) => link.kind === 'vxlan').map(({ link }) => link.name);
    this.#settleAll();
    if (this.#dependencies.probe === undefined || this.#stopped) return;
    for (const device of this.#devices) if (!this.#rounds.has(device)) this.#await(device, FIRST);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#rounds.values()) clearTimeout(timer);
  }

  #await(device: string, wait: number): void {
    const timer = setTimeout(() => void this.#round(device, wait), wait).unref();
    this.#rounds.set(device, timer);
  }

  async #round(device: string, waited: number): Promise<void> {
    const isOn = this.#status.some((each) => each.device === device && each.txChecksum);
    if (isOn) await this.#try(device);
    if (this.#stopped) return;
    if (!this.#devices.includes(device)) this.#rounds.delete(device);
    else this.#await(device, this.#findings.has(device) ? EVERY : Math.min(2 * waited, EVERY));
  }

  #settleAll(): void {
    const { offloads } = this.#dependencies;
    if (offloads !== undefined) this.#status = this.#devices.map((device) => this.#settle(device, offloads));
  }

  #settle(device: string, offloads: Offloads): ChecksumOffloadStatus {
    const { wanted, reason } = this.#decision(device);
    try {
      const present = offloads.txChecksum(device);
      if (wanted === undefined || wanted === present) return { device, txChecksum: present, reason };
      offloads.setTxChecksum(device, wanted);
      this.#dependencies.log.info('checksum offload switched', { device, txChecksum: wanted, reason });
      this.#dependencies.onSwitched?.();
      return { device, txChecksum: wanted, reason };
    } catch (error) {
      return { device, txChecksum: true, reason: `cannot be switched: ${messageOf(error)}` };
    }
  }

  /** `wanted` is undefined where it stays as somebody set it. */
  #decision(device: string): { readonly wanted: boolean | undefined; readonly reason: string } {
    const { kernel, broken } = this.#dependencies;
    const said = broken();
    if (said !== undefined) return { wanted: !said, reason: `featureDetectOverride: ChecksumOffloadBroken=${said}` };
    if (isOlder(kernel, SOUND_SINCE))
      return { wanted: false, reason: `kernel ${kernel} is older than ${SOUND_SINCE.join('.')}` };
    const found = this.#findings.get(device);
    if (found === undefined) return { wanted: undefined, reason: `kernel ${kernel} has no known fault` };
    if (found.sound) return { wanted: undefined, reason: `packets with it arrive at ${found.peer}` };
    return { wanted: false, reason: `packets with it do not arrive at ${found.peer}, those without it do` };
  }

  async #try(device: string): Promise<void> {
    const { probe, broken, peers, log } = this.#dependencies;
    if (probe === undefined || broken() !== undefined) return;
    try {
      const found = await this.#ask(probe, peers(device));
      if (found === undefined || this.#stopped) return;
      this.#findings.set(device, found);
      this.#settleAll();
    } catch (error) {
      log.debug('cannot try the checksum offload', { device, error: messageOf(error) });
    }
  }

  /** The first peer decides that answers at all. */
  async #ask(probe: ChecksumProbe, peers: readonly Ip[]): Promise<Finding | undefined> {
    const isAnswered = async (to: Ip, checksum: 'device' | 'kernel'): Promise<boolean> => {
      for (const patience of PATIENCE) if (await probe.isAnswered(to, checksum, patience)) return true;
      return false;
    };
    for (const to of peers) {
      const peer = formatIp(to);
      if (await isAnswered(to, 'device')) return { sound: true, peer };
      if (!(await isAnswered(to, 'kernel'))) continue;
      // Chance may have lost what was tried first, or the peer may only just have come.
      return { sound: await isAnswered(to, 'device'), peer };
    }
    return undefined;
  }
}

/** A release that cannot be read counts as old. */
function isOlder(release: string, [major, minor]: readonly [number, number]): boolean {
  const [own = 0, ownMinor = 0] = (/^(\d+)\.(\d+)/.exec(release) ?? []).slice(1).map(Number);
  return own < major || (own === major && ownMinor < minor);
}
