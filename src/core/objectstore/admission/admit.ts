import { invalidObject } from '../api-error.ts';
import type { ApiContext, WriteRequest } from '../api-context.ts';
import type { ApiObject } from '../api-object.ts';
import { defaultCustom, validateCustom } from '../custom/structural.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import type { FieldError } from '../../kube/field-error.ts';
import { schemaOf } from '../requests/decode-body.ts';
import { missingFields } from '../schema/missing-fields.ts';
import { strategyOf } from './strategies.ts';
import type { Strategy } from './strategy.ts';
import { validateMetadata } from './validate-metadata.ts';

/**
 * Defaults, validates and allocates for one write, in that order; `draft` is changed in place. Throws Invalid with every
 * violation found. Returns the strategy for what has to follow the write.
 */
export function admit(
  context: ApiContext,
  definition: ResourceDefinition,
  draft: ApiObject,
  previous: ApiObject | undefined,
  request: WriteRequest,
  part: 'main' | 'status' = 'main',
): Strategy {
  const strategy = strategyOf(definition);
  if (part === 'status') {
    strategy.prepareStatus?.(draft, previous!, context);
    if (definition.custom !== undefined) refuse(definition, draft, validateCustom(draft, definition.custom));
    return strategy;
  }
  if (previous === undefined && definition.subresources.includes('status') && strategy.keepsStatus !== true) {
    delete draft['status'];
  }
  if (definition.custom !== undefined) defaultCustom(draft, definition.custom);
  strategy.prepare?.(draft, previous, context, request);
  const errors = [
    ...validateMetadata(definition, draft, previous, strategy.nameRule ?? 'subdomain'),
    ...(definition.custom === undefined
      ? missingFields(draft, schemaOf(context, definition), context.schemas().definitions)
      : validateCustom(draft, definition.custom)),
    ...context.validateObject(draft, previous),
    ...(strategy.validate?.(draft, previous, context) ?? []),
  ];
  refuse(definition, draft, errors);
  const late = strategy.allocate?.(draft, previous, context) ?? [];
  refuse(definition, draft, late);
  return strategy;
}

function refuse(definition: ResourceDefinition, draft: ApiObject, errors: readonly FieldError[]): void {
  if (errors.length === 0) return;
  const seen = new Set<string>();
  const distinct = errors.filter(({ type, path }) => {
    const identity = `${type} ${path}`;
    return !seen.has(identity) && seen.add(identity);
  });
  throw invalidObject(definition, draft.metadata.name ?? '', distinct);
}
