import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SluiceError } from '../../base/errors.ts';

type Config = Readonly<Record<string, unknown>>;

/**
 * The configuration that the runtime would use if ours (`ownName`) were not there, with our plugin at its end: text of a
 * conflist, whatever the other is. Throws `bad-cni-config` where there is none, or it cannot be read.
 */
export function chainBehind(directory: string, ownName: string): string {
  const name = readdirSync(directory)
    .filter((each) => /\.(conflist|conf|json)$/.test(each) && each !== ownName)
    .sort()[0];
  if (name === undefined)
    throw new SluiceError(
      'bad-cni-config',
      `${directory} has no network configuration for Sluice to come behind (networking: policy-only): install the network first, or write the whole chain into cni_network_config`,
    );
  const path = join(directory, name);
  const list = asList(readConfig(path));
  const plugins = Array.isArray(list['plugins']) ? (list['plugins'] as readonly Config[]) : [];
  const others = plugins.filter((plugin) => plugin['type'] !== 'sluice');
  if (others.length === 0)
    throw new SluiceError(
      'bad-cni-config',
      `${path} has no plugin for Sluice to come behind (networking: policy-only)`,
    );
  return JSON.stringify({ ...list, plugins: [...others, { type: 'sluice' }] });
}

function readConfig(path: string): Config {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null) return value as Config;
    throw new SluiceError('bad-cni-config', 'it is not a JSON object');
  } catch (error) {
    throw new SluiceError('bad-cni-config', `${path} cannot be read: ${messageOf(error)}`, {}, error);
  }
}

/** A configuration of a single plugin, from before there were lists, as a list of one. */
function asList(config: Config): Config {
  if (config['plugins'] !== undefined) return config;
  const { name, cniVersion, ...plugin } = config;
  return { name, cniVersion, plugins: [plugin] };
}
