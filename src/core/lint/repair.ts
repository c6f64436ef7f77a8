import { parseManifests } from '../kube/yaml.ts';
import { applyEdits, planEdits } from './edits.ts';
import { lint } from './lint.ts';
import type { LintOptions, LintSource } from './lint.ts';
import type { Finding, PlacedRepair } from './model.ts';

/** One repair may make another possible; more rounds than this would mean that two of them undo each other. */
const ROUNDS = 10;

/** What the texts came to. */
export interface RepairedSources {
  /** Every file, repaired or as it was. */
  readonly sources: readonly LintSource[];
  /** What is left. */
  readonly findings: readonly Finding[];
  /** How many findings were repaired, by file. */
  readonly repaired: ReadonlyMap<string, number>;
}

/**
 * Carries out every repair that findings offer until none is left. A file whose edits would leave it harder to read than
 * before stays as it was.
 */
export function repair(given: readonly LintSource[], options: LintOptions): RepairedSources {
  let sources = given;
  let findings = lint(sources, options);
  const repaired = new Map<string, number>();
  const refused = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const wanted = Map.groupBy(
      findings.filter((each) => each.repair !== undefined && !refused.has(each.file)),
      ({ file }) => file,
    );
    let changed = false;
    sources = sources.map((source) => {
      const next = repairFile(source, wanted.get(source.file) ?? []);
      if (next === undefined) return source;
      if (next.issues.length > source.issues.length) {
        refused.add(source.file);
        return source;
      }
      changed = true;
      repaired.set(source.file, (repaired.get(source.file) ?? 0) + next.count);
      return next;
    });
    if (!changed) break;
    findings = lint(sources, options);
  }
  return { sources, findings, repaired };
}

function repairFile(
  source: LintSource,
  findings: readonly Finding[],
): (LintSource & { readonly count: number }) | undefined {
  const repairs = findings.flatMap((each): readonly PlacedRepair[] => (each.repair === undefined ? [] : [each.repair]));
  const edits = repairs.length === 0 ? [] : planEdits(source.text, repairs);
  if (edits.length === 0) return undefined;
  const text = applyEdits(source.text, edits);
  return text === source.text
    ? undefined
    : { ...source, text, ...parseManifests(text, source.file), count: edits.length };
}
