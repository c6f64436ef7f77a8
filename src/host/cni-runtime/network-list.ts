import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SluiceError } from '../../base/errors.ts';
import type { NetworkList } from './types.ts';

/**
 * The network that a container runtime would use: the first file in name order of `directory` that ends in .conflist,
 * .conf or .json and can be read as one. Undefined when there is none yet; throws a SluiceError (`bad-conflist`) only
 * when files exist and none is usable.
 */
export function loadNetworkList(directory: string): NetworkList | undefined {
  const problems: string[] = [];
  for (const name of fileNames(directory)) {
    const path = join(directory, name);
    try {
      return parseNetworkList(readFileSync(path, 'utf8'));
    } catch (error) {
      problems.push(`${path}: ${messageOf(error)}`);
    }
  }
  if (problems.length === 0) return undefined;
  throw new SluiceError('bad-conflist', `no usable CNI configuration: ${problems.join('; ')}`, { directory });
}

/** Reads a conflist, or a single plugin's configuration as a list of one; throws a SluiceError (`bad-conflist`). */
export function parseNetworkList(text: string): NetworkList {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad(`not JSON: ${messageOf(error)}`);
  }
  if (!isObject(value)) throw bad('not a JSON object');
  const { name, cniVersion, plugins } = value;
  if (typeof name !== 'string' || name === '') throw bad('name is missing');
  if (cniVersion !== undefined && typeof cniVersion !== 'string') throw bad('cniVersion is not a string');
  const list: readonly unknown[] = plugins === undefined ? [value] : Array.isArray(plugins) ? plugins : [];
  if (list.length === 0) throw bad('plugins is not a list with at least one plugin');
  const configs = list.map((plugin, index) => {
    if (isObject(plugin) && typeof plugin['type'] === 'string' && isFileName(plugin['type'])) return plugin;
    throw bad(`plugins[${index}].type is not the name of an executable`);
  });
  return {
    cniVersion: cniVersion ?? '0.1.0',
    name,
    disableCheck: value['disableCheck'] === true,
    disableGC: value['disableGC'] === true,
    plugins: configs,
  };
}

function fileNames(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.(conflist|conf|json)$/.test(name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function isFileName(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !text.includes('/');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(problem: string): SluiceError<'bad-conflist'> {
  return new SluiceError('bad-conflist', problem);
}
