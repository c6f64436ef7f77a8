import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { DEFAULT_PENDING_DEL_DIR, answerCni, decodeReply } from '../../core/cni/index.ts';
import type { CniService } from '../../core/cni/index.ts';

/**
 * Settles the DELs that came while no agent was running: the plugin left each as a file, which is removed once done.
 * What fails stays for the next start.
 */
export async function settleTombstones(
  service: CniService,
  log: Logger,
  directory: string = DEFAULT_PENDING_DEL_DIR,
): Promise<number> {
  let settled = 0;
  for (const name of namesIn(directory)) {
    const path = join(directory, name);
    try {
      const reply = decodeReply(await answerCni(readFileSync(path, 'utf8'), service));
      if ('error' in reply) throw new Error(reply.error.msg);
      rmSync(path, { force: true });
      settled++;
    } catch (error) {
      log.warn('a pending DEL could not be settled', { path, error: messageOf(error) });
    }
  }
  return settled;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith('.json'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
