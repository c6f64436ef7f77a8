import { readFileSync, readdirSync } from 'node:fs';

/** A process below the universe. `pids` are its numbers from this process's pid namespace inwards. */
export interface HostProcess {
  readonly pid: number;
  readonly parent: number;
  readonly pids: readonly number[];
}

/** Every descendant of `ancestor`. The last of `pids` is the number in the process's own pid namespace. */
export function descendants(ancestor: number): readonly HostProcess[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)));
  const children = Map.groupBy(all, ({ parent }) => parent);
  const found: HostProcess[] = [];
  const queue = [ancestor];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    const below = children.get(pid) ?? [];
    found.push(...below);
    queue.push(...below.map((process) => process.pid));
  }
  return found;
}

function readProcess(pid: number): readonly HostProcess[] {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // It ended while the list was read.
    return [];
  }
  const parent = Number(/^PPid:\t(\d+)$/m.exec(status)?.[1]);
  const pids = (/^NSpid:\t(.+)$/m.exec(status)?.[1] ?? '').split('\t').map(Number);
  return [{ pid, parent, pids }];
}
