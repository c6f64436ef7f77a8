import type { Cidr, Family } from '../../../base/ip/index.ts';
import { bitsOf } from '../../../base/ip/index.ts';
import type { Requirement } from '../../kube/labels.ts';
import type { ClusterState, Direction } from '../../policy/index.ts';
import type { PortSet } from '../port-set.ts';
import { chooseUnits } from './choose-labels.ts';
import { clusterBlocks, outsideBlocks } from './cluster-blocks.ts';
import { together } from './grants.ts';
import type { Grant, Grants } from './grants.ts';
import type { Unit } from './units.ts';

/** A policy before it is written in the words of an API. */
export interface PolicyDraft {
  readonly namespace: string;
  readonly name: string;
  /** Empty: every pod of the namespace. */
  readonly pods: readonly Requirement[];
  readonly ingress: readonly RuleDraft[];
  readonly egress: readonly RuleDraft[];
  /** Directions that it isolates. */
  readonly types: readonly Direction[];
}

/** Peers that are all granted the same ports. */
export interface RuleDraft {
  readonly ports: PortSet;
  readonly peers: readonly PeerDraft[];
}

/** Some pods of one namespace, or a block without what of it is excepted. */
export type PeerDraft =
  | { readonly kind: 'pods'; readonly namespace: string; readonly pods: readonly Requirement[] }
  | { readonly kind: 'block'; readonly cidr: Cidr; readonly except: readonly Cidr[] };

/** Writes the grants as few policies: one that denies in each namespace, and one for all units with the same rules. */
export class Drafting {
  readonly #units: readonly Unit[];
  readonly #grants: Grants;
  readonly #cluster: Readonly<Record<Family, readonly Cidr[]>>;

  constructor(state: ClusterState, units: readonly Unit[], grants: Grants, given: readonly Cidr[]) {
    this.#units = units;
    this.#grants = grants;
    this.#cluster = { 4: clusterBlocks(state, 4, given), 6: clusterBlocks(state, 6, given) };
  }

  /** All policies of the namespace, the one that denies first. */
  draft(namespace: string): PolicyDraft[] {
    const deny: PolicyDraft = {
      namespace,
      name: 'default-deny',
      pods: [],
      ingress: [],
      egress: [],
      types: ['ingress', 'egress'],
    };
    const alike = new Map<string, { readonly rules: Rules; readonly units: Unit[] }>();
    for (const unit of this.#units) {
      if (unit.namespace !== namespace) continue;
      const rules = { ingress: this.#rules(unit, 'ingress'), egress: this.#rules(unit, 'egress') };
      if (rules.ingress.length + rules.egress.length === 0) continue;
      const key = JSON.stringify(rules, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
      const known = alike.get(key);
      if (known !== undefined) known.units.push(unit);
      else alike.set(key, { rules, units: [unit] });
    }
    const taken = new Set([deny.name]);
    const allows = [...alike.values()].flatMap(({ rules, units }) =>
      chooseUnits(units, this.#units).map((pods): PolicyDraft => {
        const types = (['ingress', 'egress'] as const).filter((direction) => rules[direction].length > 0);
        return { namespace, name: nameFor(pods, taken), pods, ...rules, types };
      }),
    );
    return [deny, ...allows.sort((a, b) => (a.name < b.name ? -1 : 1))];
  }

  #rules(unit: Unit, direction: Direction): RuleDraft[] {
    const byPorts = new Map<string, { readonly ports: PortSet; readonly grants: Grant[] }>();
    for (const grant of this.#grants.of(unit, direction)) {
      const key = grant.ports.join();
      const known = byPorts.get(key);
      if (known !== undefined) known.grants.push(grant);
      else byPorts.set(key, { ports: grant.ports, grants: [grant] });
    }
    return Array.from(byPorts.values(), ({ ports, grants }) => ({ ports, peers: this.#peers(grants) }))
      .filter(({ ports, peers }) => ports.length > 0 && peers.length > 0)
      .sort((a, b) => a.ports[0]! - b.ports[0]! || a.ports.length - b.ports.length);
  }

  #peers(grants: readonly Grant[]): PeerDraft[] {
    const byNamespace = new Map<string, Unit[]>();
    for (const { grantee } of grants)
      if (grantee.kind === 'unit')
        byNamespace.set(grantee.unit.namespace, [...(byNamespace.get(grantee.unit.namespace) ?? []), grantee.unit]);
    const pods = [...byNamespace].flatMap(([namespace, units]) =>
      chooseUnits(units, this.#units).map((each): PeerDraft => ({ kind: 'pods', namespace, pods: each })),
    );
    const nodes = grants.flatMap(({ grantee }): PeerDraft[] =>
      grantee.kind !== 'node'
        ? []
        : grantee.node.addresses.map((ip) => ({
            kind: 'block',
            cidr: { ip, prefix: bitsOf(ip.family) },
            except: [],
          })),
    );
    const outside = ([4, 6] as const).flatMap((family) =>
      outsideBlocks(together(grants, family), family, this.#cluster[family]).map((block): PeerDraft => ({
        kind: 'block',
        ...block,
      })),
    );
    return [...pods, ...nodes, ...outside];
  }
}

type Rules = Pick<PolicyDraft, 'ingress' | 'egress'>;

/** `allow-` and the values of the labels, as far as a name may have them; a number is added when the name is taken. */
function nameFor(pods: readonly Requirement[], taken: Set<string>): string {
  const values = pods.flatMap(({ values: own }) => own).filter((value) => value !== '');
  const text = (values.length === 0 ? ['pods'] : values).join('-').toLowerCase();
  const base = `allow-${text.replaceAll(/[^a-z0-9-]+/g, '-').replaceAll(/^-+|-+$/g, '')}`.slice(0, 60);
  const trimmed = base.replace(/-+$/, '');
  let name = trimmed;
  for (let n = 2; taken.has(name); n++) name = `${trimmed}-${n}`;
  taken.add(name);
  return name;
}
