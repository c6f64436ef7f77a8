import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseHostLocalFile } from '../../core/ipam/index.ts';
import type { HostLocalLease } from '../../core/ipam/index.ts';

/** Directories that have been taken over end in this, so that a second run leaves them alone. */
const IMPORTED = '.imported';

/** Every lease below host-local's state directory (/var/lib/cni/networks); none when it does not exist. */
export async function readHostLocalLeases(directory: string): Promise<readonly HostLocalLease[]> {
  const leases: HostLocalLease[] = [];
  for (const network of await subdirectories(directory)) {
    if (network.endsWith(IMPORTED)) continue;
    for (const entry of await readdir(join(directory, network), { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(directory, network, entry.name);
      const [content, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
      const lease = parseHostLocalFile(network, entry.name, content, mtimeMs);
      if (lease !== undefined) leases.push(lease);
    }
  }
  return leases;
}

/** Moves a network's leases aside, so that nothing takes them for current again. */
export async function retireHostLocalNetwork(directory: string, network: string): Promise<void> {
  const aside = join(directory, `${network}${IMPORTED}`);
  await rm(aside, { recursive: true, force: true });
  await rename(join(directory, network), aside);
}

async function subdirectories(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
