import { SluiceError } from '../base/errors.ts';
import { checkManifest, formatLoadIssue } from '../core/kube/check-manifest.ts';
import type { LoadIssue, Manifest } from '../core/kube/yaml.ts';
import { clusterObjects } from '../core/policy/cluster-objects.ts';
import { clusterState } from '../core/policy/cluster-state.ts';
import type { ClusterObjects, LocateObject } from '../core/policy/cluster-state.ts';
import type { ClusterState } from '../core/policy/cluster.ts';
import { formatSource } from '../core/policy/explain.ts';
import type { PolicyIssue } from '../core/policy/model.ts';
import type { Invocation, OptionSpec, Values } from './command.ts';
import { KUBECONFIG, NAME } from './lab-options.ts';
import { readManifests, type ReadManifests } from './read-manifests.ts';
import { manifestSchemas } from './schemas.ts';

/** `-f`: what a command reads objects from. */
export const FILENAME: OptionSpec = {
  flags: '-f, --filename <path>',
  description: 'file or folder of manifests, or - for standard input; may be repeated',
  repeatable: true,
};

/** `--live`: the objects of a running cluster. */
export const LIVE: OptionSpec = {
  flags: '--live',
  description: 'the objects of a running cluster (--kubeconfig or --name), with the files of -f on top',
};

/** `--staged`: policies that are only being tried out. {@link readInput} heeds it. */
export const STAGED: OptionSpec = {
  flags: '--staged',
  description:
    "judge Calico's staged policies as if they were in force, each in place of the one that it would replace",
};

/** The options of every command that judges a cluster from files or live. */
export const INPUT_OPTIONS: readonly OptionSpec[] = [FILENAME, LIVE, NAME, KUBECONFIG];

/** The cluster that a command was given. */
export interface Input {
  readonly objects: ClusterObjects;
  readonly locate: LocateObject;
  readonly state: ClusterState;
  /** What was read from files, and of it what no verdict depends on. */
  readonly manifests: readonly Manifest[];
  readonly others: readonly Manifest[];
}

/**
 * Reads the cluster that `-f` and `--live` describe. Throws `bad-input` with every mistake of the files at its place, and
 * warns of what in policies is not understood (it fails closed).
 */
export async function readInput(invocation: Invocation): Promise<Input> {
  const paths = pathsOf(invocation.values);
  const live = invocation.values['live'] === true;
  if (paths.length === 0 && !live) throw new SluiceError('bad-input', NO_INPUT);
  const running = live ? await readLive(invocation) : {};
  const files = readFiles(paths, invocation.note, running);
  const objects = live ? overlay(running, files.objects) : files.objects;
  const staged = invocation.values['staged'] === true ? 'enforced' : 'ignored';
  const state = clusterState(objects, files.locate, { staged });
  for (const issue of state.issues) invocation.note(`warning: ${formatPolicyIssue(issue)}`);
  return { ...files, objects, state };
}

/** The same of files alone; `note` is told of files that were skipped, and `running` is the cluster that they come to. */
export function readFiles(
  paths: readonly string[],
  note: (line: string) => void,
  running: ClusterObjects = {},
): Omit<Input, 'state'> {
  return checked(readManifests(paths), note, running);
}

/** What was read, as the objects of a cluster. Throws and notes as {@link readFiles} does. */
export function checked(
  { manifests, issues, skipped }: ReadManifests,
  note: (line: string) => void,
  running: ClusterObjects = {},
): Omit<Input, 'state'> {
  for (const file of skipped) note(`${file}: skipped, since nothing in it has an apiVersion and a kind`);
  const schemas = manifestSchemas();
  const found = [...issues, ...manifests.flatMap((each) => checkManifest(each, schemas))];
  if (found.length > 0) throw new SluiceError('bad-input', badInput(inOrder(found)));
  return { manifests, ...clusterObjects(manifests, running.pods) };
}

/** An issue with a policy, at its place if that is known: `file:line:column: NetworkPolicy ns/name, field: message`. */
export function formatPolicyIssue({ source, message }: PolicyIssue): string {
  const { file, line, column, ...plain } = source;
  const place = file === undefined ? '' : `${[file, line, column].join(':')}: `;
  const path = source.path === '' ? '' : `, ${source.path}`;
  return `${place}${formatSource(plain)}${path}: ${message}`;
}

const NO_INPUT =
  'which cluster? Add -f with a file, a folder or - (may be repeated), or --live for the one that is running';

/** The paths of `-f`. */
export function pathsOf(values: Values): readonly string[] {
  return (values['filename'] as readonly string[] | undefined) ?? [];
}

/** In the order in which the files come in what was found, and of each file from top to bottom. */
function inOrder(issues: readonly LoadIssue[]): readonly LoadIssue[] {
  return [...Map.groupBy(issues, ({ file }) => file).values()].flatMap((of) =>
    of.sort((a, b) => a.line - b.line || a.column - b.column),
  );
}

function badInput(issues: readonly LoadIssue[]): string {
  const count = issues.length === 1 ? 'a mistake' : `${issues.length} mistakes`;
  return [`${count} in the manifests:`, ...issues.map(formatLoadIssue)].join('\n');
}

/** The client is loaded only for live clusters. */
async function readLive(invocation: Invocation): Promise<ClusterObjects> {
  const { openCluster, readSnapshot } = await import('./cluster.ts');
  using cluster = await openCluster(invocation);
  // Not without await: the client is closed when this function is left.
  return await readSnapshot(cluster.client);
}

/** The objects of both; of two with one name the later counts, so that files show what applying them would do. */
function overlay(below: ClusterObjects, above: ClusterObjects): ClusterObjects {
  const names = new Set([...Object.keys(below), ...Object.keys(above)]) as Set<
    Exclude<keyof ClusterObjects, 'domains'>
  >;
  return Object.fromEntries([...names].map((name) => [name, [...(below[name] ?? []), ...(above[name] ?? [])]]));
}
