import { CNI_ERROR, CniError } from '../../core/cni/index.ts';
import type { CniAttachment, CniCommand } from '../../core/cni/index.ts';
import { ResultCache } from './result-cache.ts';
import { runPlugin } from './run-plugin.ts';
import type { CniRuntime, CniRuntimeOptions, NetworkList, RuntimeAttachment } from './types.ts';

type Json = Readonly<Record<string, unknown>>;

/** A runtime that executes plugins from `pluginDirs`. Calls for one attachment must not overlap, as the specification demands. */
export function createCniRuntime(options: CniRuntimeOptions): CniRuntime {
  return new SpawningRuntime(options);
}

class SpawningRuntime implements CniRuntime {
  private readonly options: CniRuntimeOptions;
  private readonly cache: ResultCache;

  constructor(options: CniRuntimeOptions) {
    this.options = options;
    this.cache = new ResultCache(options.cacheDir);
  }

  async addNetworkList(list: NetworkList, attachment: RuntimeAttachment): Promise<Record<string, unknown>> {
    let result: Record<string, unknown> | undefined;
    try {
      for (const plugin of list.plugins) {
        const config = pluginConfig(list, plugin, attachment, result);
        result = (await this.run('ADD', plugin, config, attachment)) ?? result;
      }
    } catch (error) {
      await this.undo(list, attachment, result);
      throw error;
    }
    if (result === undefined)
      throw new CniError(CNI_ERROR.decodingFailure, `network ${list.name}: no plugin returned a result`);
    this.cache.write({ network: list.name, attachment, result });
    return result;
  }

  async delNetworkList(list: NetworkList, attachment: RuntimeAttachment): Promise<void> {
    const { containerId, ifname } = attachment;
    const cached = this.cache.read(list.name, containerId, ifname);
    // Capabilities as ADD had them: portmap finds the mappings to remove in there.
    const known = cached === undefined ? attachment : { ...cached.attachment, netns: attachment.netns };
    await this.runBackwards(list, known, cached?.result);
    this.cache.remove(list.name, containerId, ifname);
  }

  async checkNetworkList(list: NetworkList, attachment: RuntimeAttachment): Promise<void> {
    if (list.disableCheck) return;
    const cached = this.cache.read(list.name, attachment.containerId, attachment.ifname);
    if (cached === undefined)
      throw new CniError(
        CNI_ERROR.containerUnknown,
        `network ${list.name}: nothing is known of container ${attachment.containerId}, interface ${attachment.ifname}`,
      );
    for (const plugin of list.plugins)
      await this.run('CHECK', plugin, pluginConfig(list, plugin, attachment, cached.result), attachment);
  }

  async gcNetworkList(list: NetworkList, valid: readonly CniAttachment[]): Promise<void> {
    if (list.disableGC) return;
    const isValid = (containerId: string, ifname: string): boolean =>
      valid.some((item) => item.containerID === containerId && item.ifname === ifname);
    for (const { attachment } of this.cache.list(list.name))
      if (!isValid(attachment.containerId, attachment.ifname))
        await this.delNetworkList(list, { ...attachment, netns: '' });
    // GC and STATUS came with 1.1.0; plugins configured for an older version must not get them.
    if (!atLeast(list.cniVersion, '1.1.0')) return;
    for (const plugin of list.plugins)
      await this.run('GC', plugin, { ...pluginConfig(list, plugin), 'cni.dev/valid-attachments': valid });
  }

  async statusNetworkList(list: NetworkList): Promise<void> {
    if (!atLeast(list.cniVersion, '1.1.0')) return;
    for (const plugin of list.plugins) await this.run('STATUS', plugin, pluginConfig(list, plugin));
  }

  async versions(list: NetworkList): Promise<ReadonlyMap<string, readonly string[]>> {
    const versions = new Map<string, readonly string[]>();
    for (const { type } of list.plugins as readonly { type: string }[]) {
      const printed = await this.run('VERSION', { type }, { cniVersion: list.cniVersion });
      versions.set(type, (printed?.['supportedVersions'] as readonly string[] | undefined) ?? []);
    }
    return versions;
  }

  private async undo(list: NetworkList, attachment: RuntimeAttachment, result: Json | undefined): Promise<void> {
    try {
      await this.runBackwards(list, attachment, result);
    } catch {
      // The failure of ADD is what matters; the runtime's own DEL comes later and will report what still fails.
    }
  }

  /** Every plugin gets its DEL, also when a later one of the chain failed: as little as possible is left. Throws the first failure. */
  private async runBackwards(
    list: NetworkList,
    attachment: RuntimeAttachment,
    result: Json | undefined,
  ): Promise<void> {
    const failures: unknown[] = [];
    for (const plugin of list.plugins.toReversed()) {
      try {
        await this.run('DEL', plugin, pluginConfig(list, plugin, attachment, result), attachment);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  private run(
    command: CniCommand,
    plugin: Json,
    config: Json,
    attachment?: RuntimeAttachment,
  ): Promise<Record<string, unknown> | undefined> {
    const { pluginDirs, timeoutMs } = this.options;
    const parameters = attachment === undefined ? {} : parametersOf(attachment);
    return runPlugin({ type: String(plugin['type']), command, parameters, config, pluginDirs, timeoutMs });
  }
}

/** What one plugin gets on stdin (specification §3, "Deriving request configuration"). */
function pluginConfig(
  list: NetworkList,
  plugin: Json,
  attachment?: RuntimeAttachment,
  prevResult?: Json,
): Record<string, unknown> {
  const { capabilities: declared, ...rest } = plugin;
  const wanted = Object.entries((declared ?? {}) as Record<string, unknown>)
    .filter(([name, enabled]) => enabled === true && attachment?.capabilities[name] !== undefined)
    .map(([name]) => [name, attachment!.capabilities[name]] as const);
  return {
    ...rest,
    name: list.name,
    cniVersion: list.cniVersion,
    ...(wanted.length === 0 ? {} : { runtimeConfig: Object.fromEntries(wanted) }),
    ...(prevResult === undefined ? {} : { prevResult }),
  };
}

function parametersOf({ containerId, netns, ifname, args }: RuntimeAttachment): Record<string, string> {
  return {
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns,
    CNI_IFNAME: ifname,
    CNI_ARGS: args.map(([key, value]) => `${key}=${value}`).join(';'),
  };
}

function atLeast(version: string, wanted: string): boolean {
  const [a, b] = [version, wanted].map((text) => text.split('.').map(Number)) as [number[], number[]];
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return (a[i] ?? 0) > (b[i] ?? 0);
  return true;
}
