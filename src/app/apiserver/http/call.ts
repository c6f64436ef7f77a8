import type { ResourceDefinition, Target } from '../../../core/objectstore/index.ts';
import type { ServerContext, User } from '../server-context.ts';
import type { Request, Response } from './exchange.ts';
import type { ResourceRequest } from './request-info.ts';

/** One request for a resource, with everything its handling needs. */
export interface Call {
  readonly server: ServerContext;
  readonly definition: ResourceDefinition;
  readonly info: ResourceRequest;
  readonly query: URLSearchParams;
  readonly user: User;
  readonly request: Request;
  readonly response: Response;
}

/** The object that a call names. */
export function targetOf({ definition, info }: Call): Target {
  return { definition, namespace: info.namespace, name: info.name };
}

/** Namespace and selectors of a collection request. */
export function selectionOf({ info, query }: Call): {
  readonly namespace: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
} {
  return {
    namespace: info.namespace,
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
  };
}
