/**
 * The numbers of the echo requests without an answer in what ping, sending one each `interval` milliseconds, printed: of
 * those before the last that had one, since ping does not wait for what is still under way when it ends, and on a busy
 * machine that is more than one; and of those after the first answer. Until then the kernel's connection tracking does not
 * know the connection, and drops one of two packets that two processors handle at once.
 */
export function unanswered(printed: string, interval: number): readonly number[] {
  const answered = new Set(answers(printed));
  const [, first = 0, time = 0] = (/icmp_seq=(\d+) .*time=([\d.]+) ms/u.exec(printed) ?? []).map(Number);
  const begin = first + Math.ceil(time / interval);
  const last = Math.max(0, ...answered);
  return Array.from({ length: last }, (_, index) => index + 1).filter(
    (sequence) => sequence > begin && !answered.has(sequence),
  );
}

/** The numbers of the echo requests that were answered, as ping printed them. */
export function answers(printed: string): readonly number[] {
  return [...printed.matchAll(/bytes from .*icmp_seq=(\d+)/g)].map(([, sequence]) => Number(sequence));
}
