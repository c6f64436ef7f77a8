import type { Family } from '../../../../src/base/ip/index.ts';
import type { BackendName } from '../../../../src/core/routing/index.ts';

/** One cluster of the matrix. */
export interface Shape {
  readonly backend: BackendName;
  readonly families: readonly Family[];
  /** The largest packets of pods, bytes, on links that carry 1500. */
  readonly mtu: number;
  /** The largest packets of a family that are carried to nodes of the segment and of the other one, bytes. */
  readonly carried: (family: Family, to: 'near' | 'far') => number;
  /** Whether pods of the two segments reach each other. */
  readonly crosses: boolean;
  /** Pods are on the segments themselves. */
  readonly onSegment: boolean;
  readonly wireguard: boolean;
  /** What the pools of a family say besides their range. */
  readonly poolSpec: (family: Family) => object;
}

/** By what names clusters choose their families. */
export type FamilyName = 'ipv4' | 'ipv6' | 'dual';

const FAMILIES: Readonly<Record<FamilyName, readonly Family[]>> = { ipv4: [4], ipv6: [6], dual: [4, 6] };
/** Ethernet's, of the segments. */
const LINK = 1500;

/**
 * The shape of a backend in a family. `overhead` is what it adds to packets, bytes, within outer packets of IPv4, to
 * which those of IPv6 add twenty; 0: nothing is wrapped.
 */
export function shapeOf(
  backend: BackendName,
  name: FamilyName,
  overhead: number,
  more: Partial<Shape> = {},
): Shape & { readonly name: string } {
  const families = FAMILIES[name];
  const added = overhead > 0 && name === 'ipv6' ? overhead + 20 : overhead;
  return {
    name,
    backend,
    families,
    mtu: LINK - added,
    carried: (_, to) => (backend === 'cross-subnet' && to === 'near' ? LINK : LINK - added),
    crosses: backend !== 'host-gw',
    onSegment: backend === 'macvlan',
    wireguard: false,
    poolSpec: () => ({}),
    ...more,
  };
}
