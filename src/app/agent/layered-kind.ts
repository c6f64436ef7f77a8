import { informer } from '../../host/kube-client/informer.ts';
import type { Informer } from '../../host/kube-client/informer.ts';
import { apiVersionOf } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject, Resource } from '../../host/kube-client/types.ts';
import type { PolicyIssue } from '../../core/policy/model.ts';
import type { PolicyObject } from '../../core/policy/normalise/registry.ts';

/** How often a collection that the API does not have is asked for, milliseconds. */
export const ABSENT_RETRY = 60_000;

/** An object as it was understood; without a value it counts for nothing. */
export interface Understood<V> {
  readonly value?: V | undefined;
  readonly issues: readonly PolicyIssue[];
}

/** One kind: where it is, how it is understood, and who hears of changes. */
export interface LayeredKindOptions<V> {
  /** Where objects of the kind may be, best first: an object that is in several counts as it stands in the first. */
  readonly resources: readonly Resource[];
  /** Never throws. Called as soon as an object is parsed; the object is garbage then. */
  readonly read: (object: PolicyObject) => Understood<V>;
  /** What the object of this name counts as changed. */
  readonly onChange: (now: V | undefined, before: V | undefined) => void;
  readonly onIssues: (issues: readonly PolicyIssue[]) => void;
  readonly onError: (what: string, error: unknown) => void;
  /** Default {@link ABSENT_RETRY}. */
  readonly absentRetry?: number;
}

/** Objects of one kind that comes with a CustomResourceDefinition, which may be in several groups or in none at all. */
export class LayeredKind<V> {
  readonly #options: LayeredKindOptions<V>;
  readonly #layers: readonly Informer<Understood<V>>[];

  constructor(client: KubeClient, options: LayeredKindOptions<V>, signal: AbortSignal) {
    this.#options = options;
    this.#layers = options.resources.map((resource, layer) => this.#watch(client, resource, layer, signal));
  }

  /** One per group. */
  get informers(): readonly Informer<unknown>[] {
    return this.#layers;
  }

  *values(): Generator<V> {
    for (const { value } of this.#understood()) if (value !== undefined) yield value;
  }

  *issues(): Generator<PolicyIssue> {
    for (const { issues } of this.#understood()) yield* issues;
  }

  *#understood(): Generator<Understood<V>> {
    for (const [layer, { items }] of this.#layers.entries())
      for (const [key, understood] of items)
        if (!this.#layers.slice(0, layer).some((better) => better.items.has(key))) yield understood;
  }

  #watch(client: KubeClient, resource: Resource, layer: number, signal: AbortSignal): Informer<Understood<V>> {
    const { read, onIssues, onError, absentRetry = ABSENT_RETRY } = this.#options;
    const type = { apiVersion: apiVersionOf(resource), kind: resource.kind };
    return informer<KubeObject, Understood<V>>(
      client,
      resource,
      {
        absentRetry,
        // Objects of a list may come without their type.
        project: (object) => read({ ...(object as PolicyObject), ...type }),
        onDelta: (delta) => {
          if (delta.kind === 'set' && delta.object.issues.length > 0) onIssues(delta.object.issues);
          this.#changed(layer, delta.key, delta.previous);
        },
        onError: (error) => onError(`watching ${resource.plural} of ${resource.group}`, error),
      },
      signal,
    );
  }

  /** The layer's object has changed; whether that counts depends on the others. */
  #changed(layer: number, key: string, previous: Understood<V> | undefined): void {
    const now = this.#layers.map(({ items }) => items.get(key));
    const before = now.with(layer, previous);
    const [first, earlier] = [now, before].map((each) => each.find((one) => one !== undefined)?.value);
    if (first !== earlier) this.#options.onChange(first, earlier);
  }
}
