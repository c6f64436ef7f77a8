import { ERRNO, errnoError, expectSuccess } from '../errno.ts';
import { O_CLOEXEC, O_NONBLOCK, O_RDWR, close, ioctl, ioctlValue, open } from '../libc.ts';

const DEVICE = '/dev/net/tun';
/** ioctl requests (linux/if_tun.h). */
const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const TUNSETOFFLOAD = 0x400454d0;
/** Flags of TUNSETIFF: Ethernet frames, no packet information, an offload header before each. */
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** What the forwarder does instead of the kernel: checksums, and cutting TCP of both families, marked for congestion or not. */
const OFFLOADS = 0x01 | 0x02 | 0x04 | 0x08;
/** `struct ifreq`: name, then a union of which the flags are used. */
const IFREQ = 40;
const NAME = 16;

/**
 * Opens the Ethernet device `name` of the tun driver, which is made when there is none and stays when the descriptor is
 * closed. Frames are read and written with a `struct virtio_net_hdr` before them, TCP in packets of up to 64 KiB.
 * Throws `busy` while another process has it open.
 */
export function openTap(name: string): number {
  const fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd === -ERRNO.ENOENT || fd === -ERRNO.ENODEV)
    throw errnoError(-fd, `opening ${DEVICE}`, {}, 'this machine or container has no tun driver');
  expectSuccess(fd, `opening ${DEVICE}`);
  try {
    expectSuccess(ioctl(fd, TUNSETIFF, request(name)), `attaching to tun device ${name}`);
    expectSuccess(ioctlValue(fd, TUNSETPERSIST, 1), `keeping tun device ${name}`);
    expectSuccess(ioctlValue(fd, TUNSETOFFLOAD, OFFLOADS), `setting the offloads of tun device ${name}`);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

function request(name: string): Uint8Array {
  const bytes = new Uint8Array(IFREQ);
  bytes.set(new TextEncoder().encode(name).subarray(0, NAME - 1));
  new DataView(bytes.buffer).setUint16(NAME, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, true);
  return bytes;
}
