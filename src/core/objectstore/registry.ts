import type { ResourceDefinition } from './resource-definition.ts';

/** The resources that the server knows right now: the built-in ones and those of established CRDs. */
export class Registry {
  readonly #byPath = new Map<string, ResourceDefinition>();
  readonly #byKind = new Map<string, ResourceDefinition>();
  #generation = 0;

  constructor(definitions: readonly ResourceDefinition[]) {
    for (const definition of definitions) this.add(definition);
  }

  /** Grows with every change, so that derived documents know when they are stale. */
  get generation(): number {
    return this.#generation;
  }

  add(definition: ResourceDefinition): void {
    this.#byPath.set(path(definition.group, definition.version, definition.plural), definition);
    this.#byKind.set(path(definition.group, definition.version, definition.kind), definition);
    this.#generation += 1;
  }

  /** Takes every version of a custom resource out. */
  remove(group: string, plural: string): void {
    for (const definition of this.all()) {
      if (definition.group !== group || definition.plural !== plural) continue;
      this.#byPath.delete(path(group, definition.version, plural));
      this.#byKind.delete(path(group, definition.version, definition.kind));
    }
    this.#generation += 1;
  }

  find(group: string, version: string, plural: string): ResourceDefinition | undefined {
    return this.#byPath.get(path(group, version, plural));
  }

  ofKind(group: string, version: string, kind: string): ResourceDefinition | undefined {
    return this.#byKind.get(path(group, version, kind));
  }

  /** The definition of an object's own apiVersion and kind. */
  ofObject(object: { readonly apiVersion: string; readonly kind: string }): ResourceDefinition | undefined {
    const { group, version } = splitApiVersion(object.apiVersion);
    return this.ofKind(group, version, object.kind);
  }

  all(): ResourceDefinition[] {
    return [...this.#byPath.values()];
  }

  inGroupVersion(group: string, version: string): ResourceDefinition[] {
    return this.all().filter((each) => each.group === group && each.version === version);
  }

  /** Groups in the order they were added, each with its versions; the core group is ''. */
  groups(): Map<string, string[]> {
    const groups = new Map<string, string[]>();
    for (const { group, version } of this.all()) {
      const versions = groups.get(group) ?? [];
      if (!versions.includes(version)) versions.push(version);
      groups.set(group, versions);
    }
    for (const versions of groups.values()) versions.sort(byPriority);
    return groups;
  }
}

/** `apps/v1` → group apps, version v1; `v1` → group ''. */
export function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

function path(group: string, version: string, name: string): string {
  return `${group}/${version}/${name}`;
}

/** Kubernetes' order of versions: v2 before v1 before v1beta1 before v1alpha1. */
function byPriority(a: string, b: string): number {
  return rank(b) - rank(a) || (a < b ? -1 : 1);
}

function rank(version: string): number {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return -1;
  const stability = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
  return stability * 1e6 + Number(match[1]) * 1e3 + Number(match[3] ?? 0);
}
