/** What a condition says, without when it began to. */
export interface Verdict {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** A condition that holds. */
export function holds(type: string, reason = type, message = ''): Verdict {
  return { type, status: 'True', reason, message };
}

/** A condition that does not hold. */
export function fails(type: string, reason: string, message = ''): Verdict {
  return { type, status: 'False', reason, message };
}
