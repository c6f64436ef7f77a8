import type { Family } from '../../base/ip/index.ts';

/** Devices by the family of pods whose packets they carry, each between node addresses of the same family. */
export const WIREGUARD_DEVICES: Readonly<Record<Family, string>> = { 4: 'wg.sluice', 6: 'wg-v6.sluice' };
/** Devices that carry packets while a node passes from one key to the next. */
export const HANDOVER_DEVICES: Readonly<Record<Family, string>> = { 4: 'wg-next.sluice', 6: 'wg-v6n.sluice' };
/** Routing table of both families; any number that nobody else uses. It is the port's, which is easy to remember. */
export const WIREGUARD_TABLE = 51820;
/** `rtm_protocol` of the routes and rules of WireGuard: another than that of the backends', which are kept apart from them. */
export const WIREGUARD_PROTOCOL = 81;
/** Bytes that WireGuard adds: outer IP 20 or 40, UDP 8, header 16, authentication tag 16. */
export const WIREGUARD_OVERHEAD: Readonly<Record<Family, number>> = { 4: 60, 6: 80 };
