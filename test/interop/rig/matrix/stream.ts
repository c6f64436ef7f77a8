import { eventually } from '../../../../src/app/agent/cluster.test-support.ts';
import { PATIENCE } from './world.ts';
import type { World } from './world.ts';

/**
 * Does `disturb` while pod `first` pings `far` twenty times a second in all families. Resolves to the numbers of echo
 * requests that were not answered, up to the last that was; what was sent after it may be on its way.
 */
export async function lostDuring({ cluster, first, far }: World, disturb: () => Promise<void>): Promise<number[]> {
  const streams = far.ips.map((ip) => {
    const child = cluster.start(first.netns, ['ping', '-n', '-i', '0.05', '-w', '600', ip]);
    const answered = new Set<number>();
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const [, number] = /icmp_seq=(\d+) ttl/u.exec(line) ?? [];
        if (number !== undefined) answered.add(Number(number));
      }
    });
    return { child, answered };
  });
  const goOn = async (): Promise<void> => {
    const counts = streams.map(({ answered }) => answered.size);
    await eventually(() => streams.every(({ answered }, i) => answered.size > counts[i]! + 1), PATIENCE);
  };
  await goOn();
  // What came before does not count: of packets that overtake the answer to a connection's first, the kernel's connection
  // tracking drops the second where two processors handle them at once.
  const before = streams.map(({ answered }) => Math.max(...answered));
  await disturb();
  await goOn();
  for (const { child } of streams) child.kill();
  return streams.flatMap(({ answered }, stream) =>
    Array.from({ length: Math.max(...answered) }, (_, i) => i + 1).filter(
      (number) => number > before[stream]! && !answered.has(number),
    ),
  );
}
