import { jsonLogger } from '../../../base/log.ts';
import { messageOf } from '../../../base/errors.ts';
import { mountProc } from '../../../host/container/mounts.ts';
import { KUBELET_CONFIG } from '../universe/protocol.ts';
import type { KubeletConfig } from './config.ts';
import { runKubelet } from './kubelet.ts';
import { keepCompileCache } from '../../../host/exec/keep-compile-cache.ts';

/** Entry point: pid 1 of a node. */
const log = jsonLogger(
  { level: 'info', fields: { program: 'kubelet' } },
  { write: (line) => void process.stdout.write(`${line}\n`), now: () => new Date().toISOString() },
);
// The /proc that came with the mounts is the universe's; this one knows the node's processes only.
mountProc('/proc');
const config = JSON.parse(process.env[KUBELET_CONFIG] ?? '') as KubeletConfig;
// A stray error of one pod or connection must not be the end of the node; the log has it.
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) =>
    log.error(event, { error: messageOf(error), stack: error instanceof Error ? error.stack : undefined }),
  );
keepCompileCache();
log.info('starting', { node: config.nodeName });
await runKubelet(config, log, new AbortController().signal);
