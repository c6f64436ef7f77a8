import { isWireguardKey } from '../wireguard/index.ts';
import { parseFields } from './json-fields.ts';
import type { FamilyLease, Vtep } from './lease.ts';

/** What a node says of its end of the tunnel, in one family. */
export type BackendData = Pick<FamilyLease, 'vtep' | 'publicKey'>;

const MAC = /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i;

/** What a lease lacks that cannot do without it, by backend. */
const NEEDED: Readonly<Record<string, string>> = { vxlan: 'a VtepMAC', wireguard: 'a PublicKey' };

/**
 * What flannel says of a device: of VXLAN `{"VNI":1,"VtepMAC":"66:…"}`, without the VNI before flannel 0.12, of WireGuard
 * `{"PublicKey":"…"}`. A text names what is not there; other backends say nothing.
 */
export function parseBackendData(backendType: string, text: string): BackendData | string {
  const fields = parseFields(text);
  if (backendType === 'wireguard') {
    const publicKey = fields?.get('publickey');
    return typeof publicKey === 'string' && isWireguardKey(publicKey) ? { publicKey } : NEEDED[backendType]!;
  }
  if (backendType !== 'vxlan') return {};
  const vtep = vtepOf(fields?.get('vtepmac'), fields?.get('vni') ?? 0);
  return vtep === undefined ? NEEDED[backendType]! : { vtep };
}

function vtepOf(mac: unknown, vni: unknown): Vtep | undefined {
  if (typeof mac !== 'string' || !MAC.test(mac) || !Number.isInteger(vni)) return undefined;
  return { vni: vni as number, mac: mac.toLowerCase().replaceAll('-', ':') };
}

/**
 * Fields in flannel's order, and of the identifier the 16 bits that it writes; its nodes go by their own. Undefined for a
 * backend that says nothing.
 */
export function renderBackendData({ vtep, publicKey }: BackendData): string | undefined {
  if (publicKey !== undefined) return JSON.stringify({ PublicKey: publicKey });
  return vtep && JSON.stringify({ VNI: vtep.vni & 0xffff, VtepMAC: vtep.mac });
}
