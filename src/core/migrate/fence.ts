import type { DaemonSet } from '../kube/types.ts';
import { BESIDE_LABEL, NETWORK_LABEL } from './node-marks.ts';

type Spec = NonNullable<DaemonSet['spec']>;
type Affinity = NonNullable<NonNullable<Spec['template']['spec']>['affinity']>;

/** What a DaemonSet had before the fence. */
interface Before {
  readonly updateStrategy?: Spec['updateStrategy'];
  readonly affinity?: Affinity;
}

/** Annotation of the fenced DaemonSet: what it had before, as JSON. Who takes the fence away knows nothing else. */
const BEFORE_ANNOTATION = 'sluice.dev/before-migration';

/** Merge patches that keep a DaemonSet's pods off labelled nodes, and that take it back to the very fields it had. */
export interface Fence {
  readonly put: object;
  readonly remove: object;
}

/**
 * No pod is started anew for it (`OnDelete`): the old network's agents on other nodes stay as they are. `letsBeside`: nodes
 * that say so have them besides Sluice's.
 */
export function fence(daemonSet: DaemonSet, { letsBeside = false }: { readonly letsBeside?: boolean } = {}): Fence {
  const before = beforeOf(daemonSet);
  const { updateStrategy, affinity } = before;
  return {
    put: patchOf(JSON.stringify(before), { type: 'OnDelete', rollingUpdate: null }, keptOff(affinity, letsBeside)),
    // Null first would not do: a merge patch keeps what it does not name, so what the fence has added is named.
    remove: patchOf(
      null,
      updateStrategy ?? null,
      affinity === undefined ? null : { nodeAffinity: null, ...affinity, ...withNulls(affinity) },
    ),
  };
}

function beforeOf({ metadata, spec }: DaemonSet): Before {
  const said = metadata?.annotations?.[BEFORE_ANNOTATION];
  if (said !== undefined) return JSON.parse(said) as Before;
  const { updateStrategy, template } = spec!;
  const affinity = template.spec?.affinity;
  return {
    ...(updateStrategy === undefined ? {} : { updateStrategy }),
    ...(affinity === undefined ? {} : { affinity }),
  };
}

function patchOf(before: string | null, updateStrategy: object | null, affinity: object | null): object {
  return {
    metadata: { annotations: { [BEFORE_ANNOTATION]: before } },
    spec: { updateStrategy, template: { spec: { affinity } } },
  };
}

/** The node affinity with what was not in it taken away. */
function withNulls({ nodeAffinity }: Affinity): object {
  if (nodeAffinity === undefined) return { nodeAffinity: null };
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: null, ...nodeAffinity } };
}

/** Terms are alternatives, so each of them must ask for it. */
function keptOff(affinity: Affinity | undefined, letsBeside: boolean): object {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const unlabelled = { key: NETWORK_LABEL, operator: 'DoesNotExist' };
  const beside = { key: BESIDE_LABEL, operator: 'Exists' };
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: (letsBeside ? [unlabelled, beside] : [unlabelled]).flatMap((asked) =>
          (terms.length === 0 ? [{}] : terms).map((term) => ({
            ...term,
            matchExpressions: [...(term.matchExpressions ?? []), asked],
          })),
        ),
      },
    },
  };
}
