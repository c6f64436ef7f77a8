import koffi from 'koffi';
import { SluiceError } from '../../base/errors.ts';
import { errnoError, expectSuccess } from '../errno.ts';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM, close, ioctl, socket } from '../libc.ts';
import { inNetns } from '../netns/netns.ts';
import type { NetnsRef } from '../netns/netns.ts';

/** What devices compute in the place of the kernel. */
export interface Offloads {
  /** Whether checksums of what `device` sends are left to whatever carries it. Throws `not-found` without the device. */
  txChecksum(device: string): boolean;
  setTxChecksum(device: string, on: boolean): void;
}

/** linux/sockios.h, linux/ethtool.h. */
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GTXCSUM = 0x16;
const ETHTOOL_STXCSUM = 0x17;
/** linux/if.h: `struct ifreq`, with a pointer behind the name. */
const IFREQ = 40;
const MAX_NAME = 15;
const POINTER_AT = 16;

/** Offloads of the devices of a network namespace, or of the calling thread's own one. */
export function openOffloads(options: { readonly netns?: NetnsRef } = {}): Offloads {
  const { netns } = options;
  const within = <T extends number>(section: () => T): T => (netns === undefined ? section() : inNetns(netns, section));
  return {
    txChecksum: (device) => within(() => ethtool(device, ETHTOOL_GTXCSUM, 0)) !== 0,
    setTxChecksum: (device, on) => void within(() => ethtool(device, ETHTOOL_STXCSUM, on ? 1 : 0)),
  };
}

/** One request with a `struct ethtool_value`; returns its value as the kernel left it. */
function ethtool(device: string, command: number, value: number): number {
  if (device.length === 0 || device.length > MAX_NAME)
    throw new SluiceError('invalid', `"${device}" is not the name of a device`);
  const data = new Uint32Array([command, value]);
  const request = new Uint8Array(IFREQ);
  for (let i = 0; i < device.length; i++) request[i] = device.charCodeAt(i);
  new DataView(request.buffer).setBigUint64(POINTER_AT, BigInt(koffi.address(data)), true);
  const fd = expectSuccess(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'opening a socket');
  const result = ioctl(fd, SIOCETHTOOL, request);
  close(fd);
  if (result < 0) throw errnoError(-result, `asking device ${device} about its offloads`);
  return data[1]!;
}
