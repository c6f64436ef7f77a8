import { mkdirSync, watch } from 'node:fs';
import { messageOf } from '../../../../base/errors.ts';
import type { CniRuntime, NetworkList } from '../../../../host/cni-runtime/types.ts';
import { loadNetworkList } from '../../../../host/cni-runtime/network-list.ts';
import { pause } from '../../../../host/kube-client/pause.ts';
import { NODE_PATHS } from '../config.ts';
import type { Readiness } from './node-object.ts';

/** How often the plugins are asked while they are not ready, and once they are, ms. */
const POLL_NOT_READY = 100;
const POLL_READY = 10_000;

/** Follows the node's CNI configuration and asks the plugins (STATUS) whether they can take pods. */
export class NetworkWatch {
  readonly runtime: CniRuntime;
  #list: NetworkList | undefined;
  /** Asked once: plugins are not replaced by older ones. */
  #versions: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(runtime: CniRuntime) {
    this.runtime = runtime;
  }

  current(): NetworkList | undefined {
    return this.#list;
  }

  /** Calls `report` with every change of readiness until the signal aborts. */
  async follow(report: (readiness: Readiness) => void, signal: AbortSignal): Promise<void> {
    mkdirSync(NODE_PATHS.cniConf, { recursive: true });
    let changed = new AbortController();
    const watcher = watch(NODE_PATHS.cniConf, { signal }, () => changed.abort());
    watcher.on('error', () => undefined);
    let last = '';
    while (!signal.aborted) {
      // Before asking: what changes while it is asked is asked about once more.
      changed = new AbortController();
      const readiness = await this.#ask();
      const text = JSON.stringify(readiness);
      if (text !== last) report(readiness);
      last = text;
      await pause(readiness.ready ? POLL_READY : POLL_NOT_READY, AbortSignal.any([signal, changed.signal]));
    }
  }

  async #ask(): Promise<Readiness> {
    try {
      const list = loadNetworkList(NODE_PATHS.cniConf);
      if (list === undefined) return notReady('no CNI configuration in /etc/cni/net.d');
      await this.runtime.statusNetworkList(await this.#withStatus(list));
      this.#list = list;
      return { ready: true };
    } catch (error) {
      return notReady(messageOf(error));
    }
  }

  /**
   * The plugins of a list that know STATUS. It came with CNI 1.1.0, and a list that names an older version for the sake
   * of its oldest member may well have a younger one.
   */
  async #withStatus(list: NetworkList): Promise<NetworkList> {
    const versions = (this.#versions ??= await this.runtime.versions(list));
    const plugins = list.plugins.filter(({ type }) => versions.get(String(type))?.includes('1.1.0'));
    return { ...list, cniVersion: '1.1.0', plugins };
  }
}

function notReady(why: string): Readiness {
  return {
    ready: false,
    message: `container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:${why}`,
  };
}
