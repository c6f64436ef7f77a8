import type { DaemonSet } from '../kube/types.ts';
import { NETWORK_LABEL } from './old-network.ts';

type Affinity = NonNullable<NonNullable<NonNullable<DaemonSet['spec']>['template']['spec']>['affinity']>;

/** Merge patches that keep a DaemonSet's pods off labelled nodes, and that take it back to the very fields it had. */
export interface Fence {
  readonly put: object;
  readonly remove: object;
}

/** No pod is started anew for it (`OnDelete`): the old network's agents on other nodes stay as they are. */
export function fence(daemonSet: DaemonSet): Fence {
  const { updateStrategy, template } = daemonSet.spec!;
  const affinity = template.spec?.affinity;
  return {
    put: patchOf({ type: 'OnDelete', rollingUpdate: null }, keptOff(affinity)),
    // Null first would not do: a merge patch keeps what it does not name, so what the fence has added is named.
    remove: patchOf(
      updateStrategy ?? null,
      affinity === undefined ? null : { nodeAffinity: null, ...affinity, ...withNulls(affinity) },
    ),
  };
}

function patchOf(updateStrategy: object | null, affinity: object | null): object {
  return { spec: { updateStrategy, template: { spec: { affinity } } } };
}

/** The node affinity with what was not in it taken away. */
function withNulls({ nodeAffinity }: Affinity): object {
  if (nodeAffinity === undefined) return { nodeAffinity: null };
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: null, ...nodeAffinity } };
}

/** Terms are alternatives, so each of them must ask for it. */
function keptOff(affinity: Affinity | undefined): object {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const unlabelled = { key: NETWORK_LABEL, operator: 'DoesNotExist' };
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: (terms.length === 0 ? [{}] : terms).map((term) => ({
          ...term,
          matchExpressions: [...(term.matchExpressions ?? []), unlabelled],
        })),
      },
    },
  };
}
