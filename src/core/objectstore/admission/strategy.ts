import type { FieldError } from '../../kube/field-error.ts';
import type { ApiContext, WriteRequest } from '../api-context.ts';
import type { ApiObject } from '../api-object.ts';

/** What may be in a name: most are DNS subdomains, some labels, RBAC's nearly anything. */
export type NameRule = 'subdomain' | 'label' | 'service' | 'path';

/** What one resource does beyond the common course of a write. Drafts are changed in place. */
export interface Strategy {
  readonly nameRule?: NameRule;
  /** Whether a create may carry a status. */
  readonly keepsStatus?: boolean;
  /** Defaults; `previous` is absent on create. */
  readonly prepare?: (
    draft: ApiObject,
    previous: ApiObject | undefined,
    context: ApiContext,
    request: WriteRequest,
  ) => void;
  readonly prepareStatus?: (draft: ApiObject, previous: ApiObject, context: ApiContext) => void;
  /** Rules that need the previous object or the cluster; those of the object alone are in `core/kube/validate`. */
  readonly validate?: (draft: ApiObject, previous: ApiObject | undefined, context: ApiContext) => readonly FieldError[];
  /** Hands out addresses and ports after everything else was found valid. */
  readonly allocate?: (draft: ApiObject, previous: ApiObject | undefined, context: ApiContext) => readonly FieldError[];
  readonly afterWrite?: (stored: ApiObject, previous: ApiObject | undefined, context: ApiContext) => void;
  readonly afterDelete?: (removed: ApiObject, context: ApiContext) => void;
  /** Why an object may never be deleted; absent: it may. */
  readonly refusesDelete?: (object: ApiObject) => string | undefined;
  /** Seconds of graceful shutdown for a delete that asks for `requested`; absent: none. */
  readonly gracePeriod?: (object: ApiObject, requested: number | undefined) => number;
  /** Changes beside the deletion timestamp when an object is marked deleted. */
  readonly onMarked?: (draft: ApiObject) => void;
}
