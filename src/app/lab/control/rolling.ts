/** How many pods of a rollout there may be, in absolute numbers. */
export interface RollingLimits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** A count as Kubernetes writes it: a number or a percentage. */
export type IntOrPercent = number | string | undefined;

/**
 * The absolute limits of a rolling update of `replicas` pods; both default to 25 %. A percentage of surge rounds up, of unavailability
 * down, and when both come to 0 one pod may be unavailable, since the rollout could not move otherwise.
 */
export function rollingLimits(replicas: number, maxSurge: IntOrPercent, maxUnavailable: IntOrPercent): RollingLimits {
  const surge = absolute(maxSurge ?? '25%', replicas, Math.ceil);
  const unavailable = absolute(maxUnavailable ?? '25%', replicas, Math.floor);
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, replicas) };
}

/** `value` of `total`; a percentage is rounded with `round`, and text that is neither counts as 0. */
export function absolute(value: number | string, total: number, round: (share: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/u.exec(value);
  return percent === null ? Number.parseInt(value, 10) || 0 : round((Number(percent[1]) * total) / 100);
}

/** The size of one generation of pods. */
export interface Generation {
  /** How many it is scaled to. */
  readonly size: number;
  readonly available: number;
}

/** Sizes to scale the generations to: the new one, and the old ones in the order given. */
export interface RollingStep {
  readonly newSize: number;
  readonly oldSizes: readonly number[];
}

/**
 * One step of a rolling update from `old` generations (oldest first) to `fresh`. Never plans more than `replicas +
 * maxSurge` pods, nor fewer than `replicas - maxUnavailable` available ones; unavailable old pods go first.
 */
export function rollingStep(
  replicas: number,
  limits: RollingLimits,
  fresh: Generation,
  old: readonly Generation[],
): RollingStep {
  const total = fresh.size + sum(old.map(({ size }) => size));
  const room = Math.max(0, replicas + limits.maxSurge - total);
  const newSize = Math.min(replicas, fresh.size + room);
  const minAvailable = replicas - limits.maxUnavailable;
  const newUnavailable = fresh.size - Math.min(fresh.available, fresh.size);
  let removable = Math.max(0, total - minAvailable - newUnavailable);
  const sizes = old.map(({ size }) => size);
  old.forEach(({ size, available }, i) => {
    const idle = Math.min(size - Math.min(available, size), removable);
    sizes[i] = size - idle;
    removable -= idle;
  });
  const available = Math.min(fresh.available, fresh.size) + sum(old.map((each) => Math.min(each.available, each.size)));
  let expendable = Math.min(removable, Math.max(0, available - minAvailable));
  sizes.forEach((size, i) => {
    const less = Math.min(size, expendable);
    sizes[i] = size - less;
    expendable -= less;
  });
  return { newSize, oldSizes: sizes };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
