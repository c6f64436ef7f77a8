import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { classStatus, gatewayStatus, routeStatus } from '../../core/gateway/index.ts';
import type { Gateway, GatewayClass, GatewayModel, HttpRoute, StatusSurroundings } from '../../core/gateway/index.ts';
import { isConflict, isNotFound } from '../../host/kube-client/errors.ts';
import { GATEWAY_CLASSES, GATEWAYS, HTTP_ROUTES } from '../../host/kube-client/resources.ts';
import type { KubeClient, Resource } from '../../host/kube-client/types.ts';

/** What reporting needs. */
export interface GatewayReportDependencies {
  readonly client: KubeClient;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Writes the status of classes, Gateways and routes where it is not what it is to be. */
export class GatewayReporter {
  readonly #dependencies: GatewayReportDependencies;

  constructor(dependencies: GatewayReportDependencies) {
    this.#dependencies = dependencies;
  }

  async report(
    model: GatewayModel,
    addresses: readonly string[],
    rejected: StatusSurroundings['rejected'],
  ): Promise<void> {
    const now = new Date(this.#dependencies.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const around: StatusSurroundings = { addresses, rejected, now };
    for (const each of model.classes)
      await this.#write(GATEWAY_CLASSES, each, classStatus(each, model.version, around));
    for (const each of model.gateways)
      await this.#write(GATEWAYS, each.gateway, gatewayStatus(each, model.routes, around));
    for (const each of model.routes) await this.#write(HTTP_ROUTES, each.route, routeStatus(each, around));
  }

  /** Not over what somebody else has written meanwhile: the informer brings that, and the next report is made of it. */
  async #write(
    resource: Resource,
    { metadata, status: present }: GatewayClass | Gateway | HttpRoute,
    wanted: object | undefined,
  ): Promise<void> {
    if (wanted === undefined || isDeepStrictEqual(comparable(present), comparable(wanted))) return;
    const { client, log } = this.#dependencies;
    const { name = '', namespace, resourceVersion } = metadata ?? {};
    const where = { name, ...(namespace === undefined ? {} : { namespace }) };
    const body = { metadata: { resourceVersion }, status: wanted };
    try {
      await client.patch(resource, where, 'merge', body, { subresource: 'status' });
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return;
      log.warn('cannot write a status', { kind: resource.kind, ...where, error: messageOf(error) });
    }
  }
}

/** Without fields that are absent or empty, which an API server may leave out. */
function comparable(status: object | undefined): unknown {
  return JSON.parse(
    JSON.stringify(status ?? {}, (_, value: unknown) =>
      Array.isArray(value) && value.length === 0 ? undefined : value,
    ),
  );
}
