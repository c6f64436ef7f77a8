import type { Family, Ip } from '../../base/ip/index.ts';
import type { Labels } from '../kube/labels.ts';
import { effectiveLabels, namespaceOf } from '../policy/index.ts';
import type { NamedPort, NamespaceInfo, PodEndpoint } from '../policy/index.ts';
import type { AddressSpace } from './address-space.ts';
import { FAMILIES, portName } from './catalogue.ts';
import type { Catalogue } from './catalogue.ts';
import type { Disguise, Disguises } from './disguises.ts';
import type { LabelSetId } from './label-sets.ts';
import type { SupposedPod } from './model.ts';
import type { Traits } from './traits.ts';

/** Pods of one namespace that no policy tells apart. */
export interface PodGroupDraft {
  readonly namespace: string;
  readonly pods: PodEndpoint[];
  readonly supposed?: SupposedPod;
  readonly families: readonly Family[];
  readonly traits: Traits;
}

const NO_NAMES: readonly NamedPort[] = [];

/** Puts pods into groups. Pods with equal labels, namespace and account are matched against the selectors once. */
export class PodGrouping {
  readonly #catalogue: Catalogue;
  readonly #space: AddressSpace;
  readonly #disguises: Disguises | undefined;
  /** By name: a number for all nodes that no policy tells apart. */
  readonly #nodeClasses: ReadonlyMap<string, number>;
  /** Nodes that have host endpoints, or pods outside of all pools: their pods are told apart from those of other nodes. */
  readonly #apart: ReadonlySet<string>;
  readonly #members = new Map<string, Members>();
  readonly #memberLists = new Map<string, Members>();

  constructor(
    catalogue: Catalogue,
    space: AddressSpace,
    disguises: Disguises | undefined,
    nodeClasses: ReadonlyMap<string, number>,
  ) {
    this.#catalogue = catalogue;
    this.#space = space;
    this.#disguises = disguises;
    this.#nodeClasses = nodeClasses;
    const guarded = Array.from(catalogue.state.hostEndpoints.values(), (each) => each.node);
    this.#apart = new Set([...guarded, ...(disguises?.strayNodes ?? [])]);
  }

  /** The groups of all running pods that are not their node's, by namespace. */
  group(): PodGroupDraft[] {
    const pods = [...this.#catalogue.state.pods.values()].filter((pod) => !pod.completed && !pod.hostNetwork);
    pods.sort((a, b) => compare(a.namespace, b.namespace) || compare(a.key, b.key));
    const groups = new Map<string, PodGroupDraft>();
    for (const pod of pods) {
      const members = this.#membersOf(pod);
      const atoms = this.#atoms(pod.addresses);
      const namedPorts = this.#namedPorts(pod.ports);
      const services = pod.addresses.length > 0 ? [] : (this.#catalogue.podsOfServices.get(pod.key) ?? []);
      const node = pod.node !== undefined && this.#apart.has(pod.node) ? pod.node : undefined;
      const names = namedPorts.map((each) => `${each.protocol} ${each.name} ${each.port}`).join();
      const disguise = this.#disguises?.of(pod);
      const place = this.#disguises === undefined ? '' : this.#placeKey(pod, disguise);
      const key = `${pod.namespace}\n${members.id} ${atoms[4]} ${atoms[6]} ${node}${place}\n${names}\n${services.join()}`;
      const known = groups.get(key);
      if (known !== undefined) known.pods.push(pod);
      else
        groups.set(key, {
          namespace: pod.namespace,
          pods: [pod],
          families: this.#families(pod.addresses),
          traits: {
            labelSets: members.labelSets,
            nodeSelectors: [],
            atoms,
            namedPorts,
            services,
            ...(node === undefined ? {} : { node }),
            ...(disguise === undefined ? {} : { disguise }),
            domains: [],
          },
        });
    }
    return [...groups.values()];
  }

  /** The group of a pod that is only supposed. */
  suppose(supposed: SupposedPod): PodGroupDraft {
    const { namespace: name, namespaceLabels, labels, serviceAccount = 'default', ports = [] } = supposed;
    const { state } = this.#catalogue;
    const namespace =
      namespaceLabels === undefined
        ? namespaceOf(state, name)
        : { name, labels: { ...namespaceLabels, 'kubernetes.io/metadata.name': name } };
    return {
      namespace: name,
      pods: [],
      supposed,
      families: this.#space.families,
      traits: {
        labelSets: this.#match(namespace, serviceAccount, labels),
        nodeSelectors: [],
        atoms: {},
        namedPorts: this.#namedPorts(ports),
        services: [],
        domains: [],
      },
    };
  }

  /** As whom the pods are seen outside of all pools, and in which families they are outside themselves. */
  #placeKey({ addresses }: PodEndpoint, disguise: Disguise | undefined): string {
    const seen =
      disguise === undefined ? '' : `${disguise.families.join()} ${this.#nodeClasses.get(disguise.node.name)}`;
    return ` ${seen} ${FAMILIES.filter((family) => this.#isStray(addresses, family)).join()}`;
  }

  #isStray(addresses: readonly Ip[], family: Family): boolean {
    const ip = addresses.find((each) => each.family === family);
    return ip !== undefined && !this.#disguises!.isPooled(ip);
  }

  #membersOf({ namespace, serviceAccount, labels }: PodEndpoint): Members {
    const key = `${namespace}\n${serviceAccount}\n${labelText(labels)}`;
    let members = this.#members.get(key);
    if (members === undefined) {
      const labelSets = this.#match(namespaceOf(this.#catalogue.state, namespace), serviceAccount, labels);
      members = this.#shared(labelSets);
      this.#members.set(key, members);
    }
    return members;
  }

  /** Equal lists as one. */
  #shared(labelSets: readonly LabelSetId[]): Members {
    const key = labelSets.join();
    let members = this.#memberLists.get(key);
    if (members === undefined) {
      members = { id: this.#memberLists.size, labelSets };
      this.#memberLists.set(key, members);
    }
    return members;
  }

  #match(namespace: NamespaceInfo, account: string, own: Labels): LabelSetId[] {
    const { state, labelSets } = this.#catalogue;
    const accountLabels = state.serviceAccounts.get(`${namespace.name}/${account}`) ?? {};
    const labels = effectiveLabels(own, { namespace, serviceAccount: { name: account, labels: accountLabels } });
    return labelSets.holding({ namespace, labels });
  }

  #atoms(addresses: readonly Ip[]): Traits['atoms'] {
    const atoms: { [family in Family]?: number } = {};
    for (const ip of addresses) atoms[ip.family] ??= this.#space.atomOf(ip);
    return atoms;
  }

  /** A pod whose addresses are not known yet may have any that the cluster uses. */
  #families(addresses: readonly Ip[]): readonly Family[] {
    if (addresses.length === 0) return this.#space.families;
    return FAMILIES.filter((family) => addresses.some((ip) => ip.family === family));
  }

  #namedPorts(ports: readonly NamedPort[]): readonly NamedPort[] {
    const { portNames } = this.#catalogue;
    if (portNames.size === 0 || ports.length === 0) return NO_NAMES;
    const own = ports.filter(({ protocol, name }) => portNames.has(portName(protocol, name)));
    return own.length === 0 ? NO_NAMES : own.sort((a, b) => compare(portText(a), portText(b)));
  }
}

interface Members {
  readonly id: number;
  readonly labelSets: readonly LabelSetId[];
}

/** Equal labels in another order are matched once more, and end in the same group all the same. */
function labelText(labels: Labels): string {
  let text = '';
  for (const key in labels) text += `${key}\t${labels[key]}\n`;
  return text;
}

function portText({ protocol, name, port }: NamedPort): string {
  return `${portName(protocol, name)} ${port}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
