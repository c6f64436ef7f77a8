/** What the path and method of a request ask for. */
export interface ResourceRequest {
  readonly kind: 'resource';
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** '' when cluster-scoped or across all namespaces. */
  readonly namespace: string;
  /** '' for a collection. */
  readonly name: string;
  /** '' for the object itself. */
  readonly subresource: string;
  readonly verb: string;
}

/** A path that is no resource: discovery, health, documents. */
export interface PlainRequest {
  readonly kind: 'plain';
  readonly path: string;
}

/** Splits a request line the way Kubernetes does. Percent-encoding in segments is undone. */
export function requestInfo(method: string, path: string, query: URLSearchParams): ResourceRequest | PlainRequest {
  const segments = path
    .split('/')
    .filter((each) => each !== '')
    .map(decodeURIComponent);
  const plain = { kind: 'plain', path: `/${segments.join('/')}` } as const;
  const [root, ...rest] = segments;
  if (root !== 'api' && root !== 'apis') return plain;
  const [group, version, ...tail] = root === 'api' ? ['', ...rest] : rest;
  if (group === undefined || version === undefined || tail.length === 0) return plain;
  const parts = resourceParts(tail);
  return { kind: 'resource', group, version, ...parts, verb: verbOf(method, parts.name, query) };
}

function resourceParts(
  tail: readonly string[],
): Pick<ResourceRequest, 'namespace' | 'plural' | 'name' | 'subresource'> {
  // `namespaces/x/pods` is inside a namespace; `namespaces/x` and `namespaces/x/status` are the namespace itself.
  const [first, second, third] = tail;
  if (first === 'namespaces' && third !== undefined && third !== 'status' && third !== 'finalize') {
    const [, namespace, plural, name = '', subresource = ''] = tail;
    return { namespace: namespace!, plural: plural!, name, subresource };
  }
  return { namespace: '', plural: first!, name: second ?? '', subresource: third ?? '' };
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (query.get('watch') === 'true' || query.get('watch') === '1') return 'watch';
      return name === '' ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    default:
      return method.toLowerCase();
  }
}
