import { ApiError } from '../../../core/objectstore/index.ts';
import type { ServerContext } from '../server-context.ts';
import { aggregatedDiscovery, apiGroup, apiVersions, groupList, resourceList, VERSION } from './discovery.ts';
import { header, send, type Request, type Response } from './exchange.ts';
import { openapiV2, OPENAPI_V2_TYPE } from './openapi-v2.ts';
import { openapiDocument, openapiIndex } from './openapi.ts';

/** Paths that anybody may ask, as probes do. */
export const PUBLIC_PATHS: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version']);

/** Answers everything that is no resource: health, version, discovery, OpenAPI. */
export function handlePlain(server: ServerContext, path: string, request: Request, response: Response): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
  }
  const { registry } = server.api;
  const json = (value: object): void => send(response, 200, JSON.stringify(value));
  switch (path) {
    case '/healthz':
    case '/livez':
    case '/readyz':
      return send(response, 200, 'ok', 'text/plain; charset=utf-8');
    case '/version':
      return json(VERSION);
    case '/api':
    case '/apis': {
      const version = aggregatedVersion(header(request, 'accept'));
      const core = path === '/api';
      if (version === undefined) return json(core ? apiVersions(header(request, 'host')) : groupList(registry));
      const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
      return send(response, 200, JSON.stringify(aggregatedDiscovery(registry, core, version)), type);
    }
    case '/openapi/v2':
      return send(response, 200, openapiV2(server.api), OPENAPI_V2_TYPE);
    case '/openapi/v3':
      return json(openapiIndex(server.api));
    case '/':
      return json({
        paths: ['/api', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'],
      });
    default:
      return handleDeeper(server, path, response);
  }
}

function handleDeeper(server: ServerContext, path: string, response: Response): void {
  const [, root, first, second, ...rest] = path.split('/');
  const { registry } = server.api;
  let answer: object | Buffer | undefined;
  if (root === 'api' && second === undefined) answer = resourceList(registry, '', first ?? '');
  else if (root === 'apis' && second === undefined) answer = apiGroup(registry, first ?? '');
  else if (root === 'apis' && rest.length === 0) answer = resourceList(registry, first ?? '', second ?? '');
  else if (root === 'openapi' && first === 'v3') answer = openapiDocument(server.api, [second, ...rest].join('/'));
  else if (/^\/(healthz|livez|readyz)\//.test(path)) return send(response, 200, 'ok', 'text/plain; charset=utf-8');
  if (answer === undefined) throw new ApiError('NotFound', 'the server could not find the requested resource');
  send(response, 200, Buffer.isBuffer(answer) ? answer : JSON.stringify(answer));
}

/** The version of aggregated discovery that a client prefers, undefined when it wants the old lists. */
function aggregatedVersion(accept: string): 'v2' | 'v2beta1' | undefined {
  for (const offer of accept.split(',')) {
    if (!offer.includes('as=APIGroupDiscoveryList')) continue;
    if (offer.includes('v=v2beta1')) return 'v2beta1';
    if (offer.includes('v=v2')) return 'v2';
  }
  return undefined;
}
