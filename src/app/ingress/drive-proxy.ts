import { SluiceError, hasCode, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { deriveGateways, withGateways } from '../../core/gateway/index.ts';
import type { GatewayModel, GatewayObjects } from '../../core/gateway/index.ts';
import { deriveIngress, renderIngress, runtimeChanges } from '../../core/ingress/index.ts';
import type { IngressModel, IngressWorld, Rendered, RenderOptions } from '../../core/ingress/index.ts';
import type { Haproxy } from '../../host/haproxy/port.ts';
import { isolate } from './isolate.ts';

/** What applying a state of the cluster came to. */
export interface Applied {
  readonly model: IngressModel;
  readonly outcome: 'unchanged' | 'changed' | 'reloaded';
  readonly gateways: GatewayModel;
  /** What HAProxy refused, as {@link IngressModel.owned} calls it, with the reason. */
  readonly rejected: ReadonlyMap<string, string>;
}

/** The cluster; one without the Gateway API has no `gateways`. */
export interface ProxyWorld extends Omit<IngressWorld, 'rejected'> {
  readonly gateways?: GatewayObjects;
  /** Ports that somebody else listens at on this machine: nothing is served there. */
  readonly unusablePorts?: ReadonlySet<number>;
}

const NO_GATEWAYS: GatewayObjects = {
  classes: [],
  gateways: [],
  routes: [],
  grants: [],
  namespaces: new Map(),
  takenPorts: new Map(),
};

/** Makes HAProxy do what the cluster says, Ingress by Ingress where it does not take them all. */
export class ProxyDriver {
  readonly #options: Omit<RenderOptions, 'folder'>;
  readonly #haproxy: Haproxy;
  readonly #log: Logger;
  #running: Rendered | undefined;
  /** The last shape that HAProxy refused as a whole, and whose fault that was. */
  #refused: { readonly shape: string; readonly rejected: ReadonlyMap<string, string> } | undefined;

  constructor(
    options: Omit<RenderOptions, 'folder'>,
    dependencies: { readonly haproxy: Haproxy; readonly log: Logger },
  ) {
    this.#options = options;
    this.#haproxy = dependencies.haproxy;
    this.#log = dependencies.log;
  }

  /** What HAProxy runs with is not known any more: the next time it is told everything. */
  forget(): void {
    this.#running = undefined;
  }

  /** Fails only when HAProxy cannot run at all. */
  async apply(world: ProxyWorld): Promise<Applied> {
    const whole = this.#render(world, new Map());
    const rejected = whole.identity === this.#refused?.shape ? this.#refused.rejected : new Map<string, string>();
    const wanted = rejected.size === 0 ? whole : this.#render(world, rejected);
    const changes = this.#running === undefined ? undefined : runtimeChanges(this.#running, wanted.rendered);
    if (changes !== undefined) {
      try {
        if (changes.length > 0) await this.#haproxy.change(changes, wanted.rendered.files);
        this.#running = wanted.rendered;
        return { ...wanted.derived, outcome: changes.length > 0 ? 'changed' : 'unchanged' };
      } catch (error) {
        if (!hasCode(error, 'haproxy-refused')) throw error;
        this.#log.warn('cannot change the running proxy, reloading it', { error: messageOf(error) });
      }
    }
    return { ...(await this.#load(world, whole)), outcome: 'reloaded' };
  }

  async #load(world: ProxyWorld, whole: Rendering): Promise<Derived> {
    let accepted = whole;
    if ((await this.#check(world, new Map())) !== undefined) {
      const rejected = await this.#findRejected(world, whole.derived.model);
      this.#refused = { shape: whole.identity, rejected };
      accepted = this.#render(world, rejected);
    }
    this.#running = undefined;
    await this.#haproxy.load(accepted.rendered.files);
    this.#running = accepted.rendered;
    return accepted.derived;
  }

  async #findRejected(world: ProxyWorld, { owned }: IngressModel): Promise<ReadonlyMap<string, string>> {
    const without = (accepted: readonly string[]): ReadonlyMap<string, string> => {
      const good = new Set(accepted);
      return new Map(owned.filter((key) => !good.has(key)).map((key) => [key, 'left out']));
    };
    const nothing = await this.#check(world, without([]));
    if (nothing !== undefined) throw new SluiceError('haproxy-refused', `HAProxy takes no configuration: ${nothing}`);
    return isolate(owned, (accepted) => this.#check(world, without(accepted)));
  }

  async #check(world: ProxyWorld, rejected: ReadonlyMap<string, string>): Promise<string | undefined> {
    const { model } = derive(world, rejected);
    const { files } = renderIngress(model, { ...this.#options, folder: this.#haproxy.checkFolder });
    return this.#haproxy.check(files);
  }

  #render(world: ProxyWorld, rejected: ReadonlyMap<string, string>): Rendering {
    const derived = derive(world, rejected);
    const rendered = renderIngress(
      derived.model,
      { ...this.#options, folder: this.#haproxy.folder },
      this.#running?.slots,
    );
    return { derived, rendered, identity: [rendered.shape, ...rendered.certificates.values()].join('\n') };
  }
}

type Derived = Omit<Applied, 'outcome'>;

function derive(
  { gateways: objects = NO_GATEWAYS, unusablePorts, ...world }: ProxyWorld,
  rejected: Derived['rejected'],
): Derived {
  const gateways = deriveGateways({ ...world, ...objects, rejected });
  const whole = withGateways(deriveIngress({ ...world, rejected }), gateways);
  const ports = whole.ports?.filter(({ port }) => unusablePorts?.has(port) !== true) ?? [];
  return { model: { ...whole, ports }, gateways, rejected };
}

interface Rendering {
  readonly derived: Derived;
  readonly rendered: Rendered;
  readonly identity: string;
}
