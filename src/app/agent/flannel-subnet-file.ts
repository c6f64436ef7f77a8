import { messageOf } from '../../base/errors.ts';
import type { Cidr } from '../../base/ip/index.ts';
import type { Logger } from '../../base/log.ts';
import { FAMILIES, parseSubnetFile, renderSubnetFile } from '../../core/flannel/index.ts';
import type { NetConf } from '../../core/flannel/index.ts';
import type { TextStore } from './text-file.ts';

/** flannel's `/run/flannel/subnet.env`: what the node's subnets were, for its next life and for plugins that ask. */
export class FlannelSubnetFile {
  readonly #store: TextStore | undefined;
  readonly #netConf: NetConf;
  readonly #masquerade: boolean;
  readonly #log: Logger;
  #text: string | undefined;

  constructor(
    store: TextStore | undefined,
    { netConf, masquerade, log }: { readonly netConf: NetConf; readonly masquerade: boolean; readonly log: Logger },
  ) {
    this.#store = store;
    this.#netConf = netConf;
    this.#masquerade = masquerade;
    this.#log = log;
    this.#text = store?.load();
  }

  /** What it says. */
  get subnets(): readonly Cidr[] {
    return parseSubnetFile(this.#text ?? '');
  }

  /** Writes it where that changes anything. What fails is logged: nothing of the node's own depends on it. */
  update(subnets: readonly Cidr[], mtu: number): void {
    if (this.#store === undefined || subnets.length === 0) return;
    const networks = FAMILIES.flatMap((family) => this.#netConf.networks[family] ?? []);
    const text = renderSubnetFile({ networks, subnets, mtu, masquerade: this.#masquerade });
    if (text === this.#text) return;
    this.#text = text;
    try {
      this.#store.save(text);
    } catch (error) {
      this.#log.warn("cannot write flannel's subnet file", { error: messageOf(error) });
    }
  }
}
