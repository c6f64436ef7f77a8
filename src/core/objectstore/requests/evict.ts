import type { Pod } from 'kubernetes-types/core/v1.d.ts';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts';
import { matchesLabels, parseSelector } from '../../kube/labels.ts';
import { ApiError, forbidden, type StatusCause } from '../api-error.ts';
import type { ApiContext, Target } from '../api-context.ts';
import { draftOf, isJsonObject, type Json } from '../api-object.ts';
import type { Entry } from '../versioned-store.ts';
import { remove } from './delete.ts';
import { existing } from './update.ts';

const BUDGETS = 'policy/poddisruptionbudgets';

/**
 * `POST pods/NAME/eviction`: a delete that a PodDisruptionBudget may refuse for now (429), and that counts in its status until
 * its controller has seen the pod go, so that two evictions never share one disruption that is allowed.
 */
export function evict(context: ApiContext, target: Target, body: Json): void {
  const pod = existing(context, target).object as unknown as Pod;
  const said = isJsonObject(body) ? body['deleteOptions'] : undefined;
  const options = isJsonObject(said) ? (said as { dryRun?: unknown }) : {};
  // DeleteOptions have a list here, of which there is one value, All.
  const dryRun = Array.isArray(options.dryRun) && options.dryRun.length > 0;
  if (!hasNothingToDisrupt(pod)) {
    const [budget, ...others] = budgetsOf(context, target, pod);
    if (others.length > 0)
      throw new ApiError(
        'InternalError',
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      );
    if (budget !== undefined) spend(context, target, budget, { pod, dryRun });
  }
  remove(context, target, { ...options, dryRun });
}

/** It runs nothing, or ends already. */
function hasNothingToDisrupt({ metadata, status }: Pod): boolean {
  return metadata?.deletionTimestamp !== undefined || ['Pending', 'Succeeded', 'Failed'].includes(status?.phase ?? '');
}

function budgetsOf({ store }: ApiContext, { namespace }: Target, { metadata }: Pod): readonly Entry[] {
  return [...store.list(BUDGETS, namespace)].filter(({ object }) => {
    const { spec } = object as unknown as PodDisruptionBudget;
    // An empty selector selects every pod, a missing one none.
    if (spec?.selector === undefined) return false;
    const parsed = parseSelector(spec.selector);
    return 'selector' in parsed && matchesLabels(parsed.selector, metadata?.labels);
  });
}

/** Takes one disruption off the budget; throws when it has none. */
function spend(
  { store, surroundings }: ApiContext,
  target: Target,
  { object, name }: Entry,
  { pod, dryRun }: { readonly pod: Pod; readonly dryRun: boolean },
): void {
  const { metadata, spec, status } = object as unknown as PodDisruptionBudget;
  const { disruptionsAllowed: allowed = 0, currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  const isHealthy = pod.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;
  if (!isHealthy && spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return;
  if (!isHealthy && desiredHealthy > 0 && currentHealthy >= desiredHealthy) return;
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0))
    throw refusal(`The disruption budget ${name} is still being processed by the server.`, 10);
  if (allowed < 0) throw forbidden(target.definition, target.name, 'pod disruption budget is negative');
  if (allowed === 0)
    throw refusal(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  if (dryRun) return;
  const draft = draftOf(object);
  const disruptedPods = { ...status?.disruptedPods, [target.name]: surroundings.now() };
  draft['status'] = { ...status, disruptionsAllowed: allowed - 1, disruptedPods } as unknown as Json;
  store.put(BUDGETS, target.namespace, name, draft);
}

function refusal(message: string, retryAfterSeconds?: number): ApiError {
  const cause: StatusCause = { reason: 'DisruptionBudget', message };
  return new ApiError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [cause],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}
