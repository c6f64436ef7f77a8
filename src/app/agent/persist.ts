import { messageOf } from '../../base/errors.ts';
import { pause } from '../../host/kube-client/pause.ts';

/** Between two attempts, milliseconds: first and longest. */
const WAIT = { first: 100, longest: 2000 } as const;

/** Tries until `attempt` succeeds or `signal` aborts; `onFailure` hears the reason of each failure. Never rejects. */
export async function persist(
  attempt: () => Promise<void> | void,
  onFailure: (reason: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let wait: number = WAIT.first; !signal.aborted; wait = Math.min(wait * 2, WAIT.longest)) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) return;
      onFailure(messageOf(error));
      await pause(wait, signal);
    }
  }
}

/** Resolves with `promise` or when `signal` aborts, whatever comes first. */
export async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) return;
  signal.addEventListener('abort', () => resolve(), { once: true });
  await Promise.race([promise, aborted]);
}
