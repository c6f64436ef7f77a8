import type { ReferenceGrant } from './types.ts';

/** One end of a reference. */
interface End {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

/** Whether an object may name another one: in its own namespace, or where a ReferenceGrant of the other namespace allows it. */
export function isGranted(grants: readonly ReferenceGrant[], from: End, to: End & { readonly name: string }): boolean {
  if (from.namespace === to.namespace) return true;
  return grants.some(
    ({ metadata, spec }) =>
      metadata?.namespace === to.namespace &&
      (spec?.from ?? []).some(
        ({ group = '', kind, namespace }) => group === from.group && kind === from.kind && namespace === from.namespace,
      ) &&
      (spec?.to ?? []).some(
        ({ group = '', kind, name }) =>
          group === to.group && kind === to.kind && (name === undefined || name === '' || name === to.name),
      ),
  );
}
