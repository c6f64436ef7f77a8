import type { Family } from '../../base/ip/index.ts';
import type { NamedPort } from '../policy/index.ts';
import type { AtomId } from './address-atoms.ts';
import type { Disguise } from './disguises.ts';
import type { LabelSetId } from './label-sets.ts';

/** All that policies can see of the members of one group; equal traits (and an equal namespace) are one group. */
export interface Traits {
  /** Sets chosen by labels that its pods are in, ascending. */
  readonly labelSets: readonly LabelSetId[];
  /** Keys of node selectors that choose its nodes. */
  readonly nodeSelectors: readonly string[];
  /** By family: where its addresses lie. Absent: no address that is known. */
  readonly atoms: Readonly<Partial<Record<Family, AtomId>>>;
  /** Numbers behind the names of ports that rules use. */
  readonly namedPorts: readonly NamedPort[];
  /** Services in rules that have its pods, which have no address, as endpoints. */
  readonly services: readonly string[];
  /** The node, where policies of host endpoints, or a pod there that is in no pool, make its place matter. */
  readonly node?: string;
  /** Of pods and further addresses of nodes; absent where nobody can notice. */
  readonly disguise?: Disguise;
  /** Of a tunnel address: the blocks of open ports (`Catalogue.failsafeNets`) that it lies in, whatever its atom says. */
  readonly failsafeNets?: readonly string[];
  /** Patterns of names that the group's names all match. */
  readonly domains: readonly string[];
}

/** Traits of something that no policy knows anything of. */
export const PLAIN: Traits = {
  labelSets: [],
  nodeSelectors: [],
  atoms: {},
  namedPorts: [],
  services: [],
  domains: [],
};
