import { readFile } from 'node:fs/promises';
import { SluiceError } from '../../base/errors.ts';
import { cidrContains, formatIp, parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { checkState, holderText, ordinalOf, releaseOrdinals } from '../../core/ipam/index.ts';
import type { BlockStore, IpamState } from '../../core/ipam/index.ts';
import { fileProblem } from '../file-problem.ts';
import type { CheckReport } from './check.ts';

/** Which addresses `sluice ipam release` is to give back. */
export interface ReleaseOptions {
  readonly ips: readonly Ip[];
  /** Reports of `sluice ipam check -o json`: what all of them call leaked, and is so still. */
  readonly reports: readonly string[];
  /** Also what pods use. */
  readonly force: boolean;
}

/** Gives addresses back that nobody uses. Returns 1 when one of those that were asked for was not to be had. */
export async function release(
  { ips, reports, force }: ReleaseOptions,
  {
    state,
    store,
    print,
  }: { readonly state: IpamState; readonly store: BlockStore; readonly print: (line: string) => void },
): Promise<number> {
  const leaked = new Set(
    checkState(state).flatMap(({ kind, ip }) => (kind === 'leaked' && ip !== undefined ? [formatIp(ip)] : [])),
  );
  let failed = false;
  for (const ip of ips) {
    const problem = await releaseOne(ip, leaked.has(formatIp(ip)) || force, store);
    print(problem === undefined ? `${formatIp(ip)} is released.` : `${formatIp(ip)} is not released: ${problem}.`);
    failed ||= problem !== undefined;
  }
  if (reports.length > 0) {
    const listed = await Promise.all(reports.map(leakedIn));
    const common = [...(listed[0] ?? [])].filter((ip) => listed.every((each) => each.has(ip)) && leaked.has(ip));
    let released = 0;
    for (const ip of common) if ((await releaseOne(parseIp(ip)!, true, store)) === undefined) released++;
    print(`${released} leaked ${released === 1 ? 'address is' : 'addresses are'} released.`);
  }
  return failed ? 1 : 0;
}

/** The reason why it could not be done. */
async function releaseOne(ip: Ip, allowed: boolean, store: BlockStore): Promise<string | undefined> {
  for (let attempt = 0; attempt < 10; attempt++) {
    const block = (await store.listBlocks()).find(({ value }) => cidrContains(value.cidr, ip));
    const ordinal = block === undefined ? 0 : ordinalOf(block.value, ip);
    const allocation = block?.value.allocations.get(ordinal);
    if (block === undefined || allocation === undefined) return 'nobody holds it';
    if (!allowed) return `it is held for ${holderText(allocation)}, which exists; --force releases it all the same`;
    const next = releaseOrdinals(block.value, [ordinal], { now: Date.now(), coolDownMs: 30_000 });
    if ((await store.updateBlock(next, block.revision)) !== 'conflict') return undefined;
  }
  return 'its block is being written all the time; try again';
}

async function leakedIn(path: string): Promise<ReadonlySet<string>> {
  let report: Partial<CheckReport>;
  try {
    report = JSON.parse(await readFile(path, 'utf8')) as Partial<CheckReport>;
  } catch (error) {
    throw new SluiceError('bad-report', `${path}: ${fileProblem(error)}`, {}, error);
  }
  if (!Array.isArray(report.problems))
    throw new SluiceError('bad-report', `${path} is not a report of 'sluice ipam check -o json'`);
  return new Set(report.problems.flatMap(({ kind, ip }) => (kind === 'leaked' && ip !== undefined ? [ip] : [])));
}
