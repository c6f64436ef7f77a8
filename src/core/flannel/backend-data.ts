import { parseFields } from './json-fields.ts';
import type { Vtep } from './lease.ts';

const MAC = /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i;

/** What flannel says of a VXLAN device: `{"VNI":1,"VtepMAC":"66:…"}`; without the VNI before flannel 0.12. */
export function parseBackendData(text: string): Vtep | undefined {
  const fields = parseFields(text);
  const mac = fields?.get('vtepmac');
  const vni = fields?.get('vni') ?? 0;
  if (typeof mac !== 'string' || !MAC.test(mac) || !Number.isInteger(vni)) return undefined;
  return { vni: vni as number, mac: mac.toLowerCase().replaceAll('-', ':') };
}

/** Fields in flannel's order, and of the identifier the 16 bits that it writes; its nodes go by their own. */
export function renderBackendData({ vni, mac }: Vtep): string {
  return JSON.stringify({ VNI: vni & 0xffff, VtepMAC: mac });
}
