import type { SecretKey } from '../../core/bgp/index.ts';
import { isForbidden, isNotFound } from '../../host/kube-client/errors.ts';
import { SECRETS } from '../../host/kube-client/resources.ts';
import type { KubeClient, KubeObject } from '../../host/kube-client/types.ts';

interface SecretObject extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** Values of the Secrets that peers refer to. Those are asked for by name: an agent may list no Secrets. */
export class BgpSecrets {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #signal: AbortSignal;
  #known = new Map<string, Readonly<Record<string, string>>>();
  #wanted = new Set<string>();
  #isBehind = false;

  constructor(client: KubeClient, namespace: string, signal: AbortSignal) {
    this.#client = client;
    this.#namespace = namespace;
    this.#signal = signal;
  }

  /** The value of a key; from now on the Secret is among those that `refresh` asks for. */
  value({ name, key }: SecretKey): string | undefined {
    this.#wanted.add(name);
    const encoded = this.#known.get(name)?.[key];
    if (encoded === undefined) this.#isBehind = true;
    return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
  }

  /** Whether something was asked for since the last refresh that was not there. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Asks for every Secret anew that was wanted since the last time; one that is not there, or not for the agent to read, has no keys. */
  async refresh(): Promise<void> {
    const wanted = [...this.#wanted];
    this.#wanted = new Set();
    this.#isBehind = false;
    const entries = await Promise.all(wanted.map(async (name) => [name, await this.#read(name)] as const));
    this.#known = new Map(entries);
  }

  async #read(name: string): Promise<Readonly<Record<string, string>>> {
    try {
      const which = { name, namespace: this.#namespace };
      return (await this.#client.get<SecretObject>(SECRETS, which, { signal: this.#signal })).data ?? {};
    } catch (error) {
      if (isNotFound(error) || isForbidden(error)) return {};
      throw error;
    }
  }
}
