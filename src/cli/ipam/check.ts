import { formatIp } from '../../base/ip/index.ts';
import { checkState } from '../../core/ipam/index.ts';
import type { IpamProblem, IpamState } from '../../core/ipam/index.ts';

/** What `sluice ipam check -o json` prints, and `sluice ipam release --from-report` reads. */
export interface CheckReport {
  readonly counts: Readonly<Record<'pools' | 'blocks' | 'addresses' | 'handles' | 'pods', number>>;
  readonly problems: readonly {
    readonly kind: string;
    readonly message: string;
    readonly ip?: string;
    readonly handle?: string;
  }[];
}

/** Prints everything that does not fit together. Returns 1 when there is something. */
export function check(state: IpamState, json: boolean, print: (line: string) => void): number {
  const problems = checkState(state);
  const counts = {
    pools: state.pools.length,
    blocks: state.blocks.length,
    addresses: state.blocks.reduce((sum, { allocations }) => sum + allocations.size, 0),
    handles: state.handles.length,
    pods: state.pods.length,
  };
  if (json) {
    const report: CheckReport = { counts, problems: problems.map(plain) };
    print(JSON.stringify(report, null, 2));
  } else {
    print(
      `Checked ${counts.addresses} addresses in ${counts.blocks} blocks of ${counts.pools} pools, ` +
        `${counts.handles} handles and ${counts.pods} pods.`,
    );
    for (const { kind, message } of problems) print(`${kind}: ${message}`);
    print(problems.length === 0 ? 'No problems.' : summary(problems));
  }
  return problems.length === 0 ? 0 : 1;
}

function plain({ kind, message, ip, handle }: IpamProblem): CheckReport['problems'][number] {
  return {
    kind,
    message,
    ...(ip === undefined ? {} : { ip: formatIp(ip) }),
    ...(handle === undefined ? {} : { handle }),
  };
}

function summary(problems: readonly IpamProblem[]): string {
  const leaked = problems.filter(({ kind }) => kind === 'leaked').length;
  const handles = problems.filter(({ kind }) => kind.endsWith('-handle')).length;
  const advice = [
    ...(leaked > 0
      ? [`the controllers give the ${leaked} leaked back by themselves, 'sluice ipam release' does it now`]
      : []),
    ...(handles > 0 ? ['the controllers correct handles within a minute'] : []),
  ];
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return advice.length === 0 ? `${count}.` : `${count}; ${advice.join('; ')}.`;
}
