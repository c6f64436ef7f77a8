import { join } from 'node:path';
import type { Logger } from '../../base/log.ts';
import type { CniService } from '../../core/cni/index.ts';
import { pause } from '../../host/kube-client/pause.ts';
import { listenCni } from './cni-server.ts';
import type { DomainNames } from './domain-names.ts';
import type { AgentOptions } from './options.ts';
import type { Readiness } from './readiness.ts';
import type { AgentStatus } from './status.ts';
import { listenHealth, listenStatus, statusRoutes } from './status-server.ts';
import type { BgpAnswers } from './status-server.ts';

/** How long an ADD waits for an agent that is starting, milliseconds. */
export const ADD_PATIENCE = 20_000;
/** Between rounds of upkeep, milliseconds. */
const UPKEEP = 10_000;
/** Every so many rounds of upkeep are thorough: reading a full packet filter back takes a while. */
const THOROUGH_ROUNDS = 3;

/** An agent of either kind, as whoever runs it sees it. */
export interface Life {
  readonly options: Pick<AgentOptions, 'runDir' | 'healthPort'>;
  readonly readiness: Readiness;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** What the CNI plugin asks. */
  readonly attachments: CniService;
  readonly domains: Pick<DomainNames, 'listen'>;
  readonly status: () => AgentStatus;
  /** Absent where routes are not left to it. */
  readonly bgp: BgpAnswers | undefined;
  /** Returns when the agent is ready, or the signal has aborted. */
  readonly start: () => Promise<void>;
  /** What nothing else would notice. A thorough one compares the packet filter with the kernel's, too. */
  readonly upkeep: (thorough: boolean) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Opens the agent's doors (status, health, CNI), starts it, and keeps it up until its signal aborts. */
export async function live(life: Life): Promise<void> {
  const { options, readiness, log, signal, attachments, domains, status, bgp } = life;
  const { runDir, healthPort = 0 } = options;
  await using stack = new AsyncDisposableStack();
  stack.defer(() => life.stop());
  const routes = statusRoutes(readiness, status, bgp);
  stack.use(await listenStatus(join(runDir, 'agent.sock'), routes));
  stack.use(await listenHealth(healthPort, routes, log));
  stack.use(await listenCni(join(runDir, 'cni.sock'), attachments));
  stack.use(domains.listen());
  await life.start();
  for (let round = 1; !signal.aborted; round++) {
    await pause(UPKEEP, signal);
    if (readiness.isReady) await life.upkeep(round % THOROUGH_ROUNDS === 0);
  }
}
