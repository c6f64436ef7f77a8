/**
 * The numbers of the echo requests without an answer in what ping printed, of those before the last that had one: ping
 * does not wait for what is still under way when it ends, and on a busy machine that is more than one.
 */
export function unanswered(printed: string): readonly number[] {
  const answered = new Set(answers(printed));
  const last = Math.max(0, ...answered);
  return Array.from({ length: last }, (_, index) => index + 1).filter((sequence) => !answered.has(sequence));
}

/** The numbers of the echo requests that were answered, as ping printed them. */
export function answers(printed: string): readonly number[] {
  return [...printed.matchAll(/bytes from .*icmp_seq=(\d+)/g)].map(([, sequence]) => Number(sequence));
}
