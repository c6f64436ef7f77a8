import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type * as Sluice from '../../src/index.ts';

/** The checkout. */
export const ROOT = resolve(import.meta.dirname, '../..');

/** Builds the library into `directory` as `npm run build` does. */
export function buildLibrary(directory: string): void {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/build-library.ts'), directory], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}

/** The example manifests by file name. */
export function exampleSources(): Record<string, string> {
  const folder = join(ROOT, 'examples');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));
  const manifests = files.filter((file) => !file.startsWith('mistakes') && !/policy-tests\/[^/]*\.yaml$/u.test(file));
  return Object.fromEntries(manifests.sort().map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
}

/** Everything that the library says of the manifests. Its source runs in browsers, so it uses nothing but its arguments. */
export function everyAnswer({ Cluster, formatPorts }: typeof Sluice, sources: Record<string, string>): unknown {
  const cluster = Cluster.load(sources);
  const ends = [...cluster.state.pods.keys(), '203.0.113.10', '172.17.3.4', '2001:db8::1'];
  const answers: string[] = [];
  for (const from of ends)
    for (const to of ends)
      for (const [protocol, port] of [
        ['TCP', 80],
        ['TCP', 6379],
        ['UDP', 53],
        ['ICMP', undefined],
      ] as const) {
        if (from.includes('.') && to.includes(':')) continue;
        try {
          const answer = cluster.check({ from, to, protocol, ...(port === undefined ? {} : { port }) });
          answers.push(answer.explain('zh-CN'));
        } catch (error) {
          answers.push(String(error));
        }
      }
  const reachable = [...cluster.reach().pairs()].map(
    ({ from, to, ports }) => `${from.pod?.key ?? from.group} ${to.pod?.key ?? to.group} ${formatPorts(ports)}`,
  );
  const findings = cluster.lint().map(({ id, file, line, message }) => `${file}:${line} ${id} ${message}`);
  const bare = Cluster.load(Object.fromEntries(Object.entries(sources).filter(([file]) => file.endsWith('pods.yaml'))));
  const { opened, closed } = cluster.changesSince(bare);
  const changes = [...opened, ...closed].map(
    ({ from, to, ports }) => `${from.length} ${to.length} ${formatPorts(ports)}`,
  );
  const policies = cluster.state.tiers.flatMap((tier) =>
    tier.policies.map(({ key }) => cluster.describe(key, 'zh-TW')),
  );
  return { issues: cluster.issues, answers, reachable, findings, changes, policies };
}
