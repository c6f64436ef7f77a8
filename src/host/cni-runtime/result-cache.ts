import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RuntimeAttachment } from './types.ts';

/** What ADD left behind for CHECK and DEL. */
export interface CachedAttachment {
  readonly network: string;
  readonly attachment: RuntimeAttachment;
  readonly result: Readonly<Record<string, unknown>>;
}

/** Results of ADD, one file per network, container and interface, as libcni keeps them. */
export class ResultCache {
  private readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  read(network: string, containerId: string, ifname: string): CachedAttachment | undefined {
    return parse(this.path(network, containerId, ifname));
  }

  /** Every cached attachment of `network`. */
  list(network: string): readonly CachedAttachment[] {
    let names: readonly string[];
    try {
      names = readdirSync(this.directory);
    } catch {
      return [];
    }
    return names
      .filter((name) => !name.startsWith('.'))
      .map((name) => parse(join(this.directory, name)))
      .filter((entry) => entry !== undefined)
      .filter((entry) => entry.network === network);
  }

  write(entry: CachedAttachment): void {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    const { containerId, ifname } = entry.attachment;
    const aside = join(this.directory, `.${containerId}-${ifname}-${process.pid}`);
    writeFileSync(aside, JSON.stringify(entry), { mode: 0o600 });
    renameSync(aside, this.path(entry.network, containerId, ifname));
  }

  remove(network: string, containerId: string, ifname: string): void {
    rmSync(this.path(network, containerId, ifname), { force: true });
  }

  private path(network: string, containerId: string, ifname: string): string {
    return join(this.directory, `${network}-${containerId}-${ifname}`);
  }
}

function parse(path: string): CachedAttachment | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as CachedAttachment;
  } catch {
    // Absent or broken: DEL then runs without a previous result, which every plugin must accept.
    return undefined;
  }
}
