import { mkdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { encodeLine } from '../../core/cni/protocol.ts';
import type { CniRequest } from '../../core/cni/protocol.ts';

/**
 * Writes a DEL that the agent has to make up for, one file per attachment, so that repeated DELs leave one note.
 * Written aside and renamed: the agent never sees half of one. Returns a function that takes the note back.
 */
export function leaveTombstone(directory: string, request: CniRequest): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = `${directory}/${request.containerId}-${request.ifname}.json`;
  const aside = `${directory}/.${request.containerId}-${request.ifname}.${process.pid}`;
  writeFileSync(aside, encodeLine(request), { mode: 0o600 });
  renameSync(aside, path);
  return () => {
    try {
      unlinkSync(path);
    } catch {
      // The agent has settled it already.
    }
  };
}
