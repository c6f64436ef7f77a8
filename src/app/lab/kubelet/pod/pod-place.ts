import { messageOf } from '../../../../base/errors.ts';
import type { KubeletConfig } from '../config.ts';
import type { PodNetwork } from './pod-network.ts';
import { attach, detach } from './pod-network.ts';
import type { Sandbox } from './sandbox.ts';
import { createSandbox } from './sandbox.ts';
import type { NodePod } from './types.ts';

/** Where a pod runs: its namespaces, and its addresses on the network. */
export class PodPlace {
  readonly #deps: { readonly config: KubeletConfig; readonly network: PodNetwork };
  readonly #onProblem: (message: string) => void;
  #sandbox: Sandbox | undefined;
  #networked = false;
  #ips: readonly string[] = [];

  /** `onProblem` hears what could not be taken down. */
  constructor(
    deps: { readonly config: KubeletConfig; readonly network: PodNetwork },
    onProblem: (message: string) => void,
  ) {
    this.#deps = deps;
    this.#onProblem = onProblem;
  }

  get sandbox(): Sandbox | undefined {
    return this.#sandbox;
  }

  /** The last that it had. */
  get ips(): readonly string[] {
    return this.#ips;
  }

  /** The namespaces, made if there are none. */
  open(pod: NodePod): Sandbox {
    return (this.#sandbox ??= createSandbox(pod, this.#deps.config.busybox));
  }

  /** Puts the open sandbox on the network, unless it is there. Throws when that cannot be done now. */
  async connect(pod: NodePod): Promise<void> {
    const { config, network } = this.#deps;
    const sandbox = this.open(pod);
    if (sandbox.hostNetwork) this.#ips = config.addresses;
    else if (!this.#networked) {
      this.#ips = await attach(network, pod, sandbox);
      this.#networked = true;
    }
  }

  /** Nothing of it stays, as far as that can be done. */
  async close(pod: NodePod): Promise<void> {
    const sandbox = this.#sandbox;
    if (sandbox === undefined) return;
    this.#sandbox = undefined;
    if (!sandbox.hostNetwork) {
      this.#networked = false;
      try {
        await detach(this.#deps.network, pod, sandbox);
      } catch (error) {
        this.#onProblem(`failed to tear down the network: ${messageOf(error)}`);
      }
    }
    try {
      sandbox.remove();
    } catch (error) {
      this.#onProblem(`failed to remove the sandbox: ${messageOf(error)}`);
    }
  }
}
