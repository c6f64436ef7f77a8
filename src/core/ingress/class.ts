import type { Ingress } from '../kube/types.ts';
import type { IngressClass } from 'kubernetes-types/networking/v1.d.ts';

/** What IngressClasses name to have their Ingresses served by Sluice. */
export const CONTROLLER = 'sluice.dev/ingress';

/** What the annotation says where there are no IngressClasses, which came with Kubernetes 1.18. */
const USUAL_NAME = 'sluice';

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';

/**
 * Tells which Ingresses are Sluice's: by class, in the field or in the old annotation, and those without one when the
 * default class is ours. `withoutClass` takes those without one in any case.
 */
export function ingressFilter(classes: Iterable<IngressClass>, withoutClass: boolean): (ingress: Ingress) => boolean {
  const all = [...classes];
  const ours = all.filter(({ spec }) => spec?.controller === CONTROLLER);
  const names = new Set(ours.map(({ metadata }) => metadata?.name ?? ''));
  if (all.length === 0) names.add(USUAL_NAME);
  const isDefault = withoutClass || ours.some(({ metadata }) => metadata?.annotations?.[DEFAULT_ANNOTATION] === 'true');
  return ({ metadata, spec }) => {
    const name = spec?.ingressClassName ?? metadata?.annotations?.[CLASS_ANNOTATION];
    return name === undefined || name === '' ? isDefault : names.has(name);
  };
}
