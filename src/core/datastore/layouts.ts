import { AFFINITY_LAYOUT, BLOCK_LAYOUT, CONFIG_LAYOUT, HANDLE_LAYOUT } from './ipam-layouts.ts';
import { resourceLayout } from './resource-layout.ts';
import type { EtcdLayout } from './stored-object.ts';

/** The kinds that do not lie in etcd as they are written. */
const IPAM_LAYOUTS: Readonly<Record<string, EtcdLayout>> = {
  ipamblocks: BLOCK_LAYOUT,
  blockaffinities: AFFINITY_LAYOUT,
  ipamhandles: HANDLE_LAYOUT,
  ipamconfigs: CONFIG_LAYOUT,
};

/** How objects of one of Calico's kinds lie in etcd. */
export function layoutOf(resource: {
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}): EtcdLayout {
  return IPAM_LAYOUTS[resource.plural] ?? resourceLayout(resource.plural, resource.kind, resource.namespaced);
}
