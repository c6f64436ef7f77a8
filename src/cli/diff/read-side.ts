import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { SluiceError } from '../../base/errors.ts';
import { parseManifests } from '../../core/kube/yaml.ts';
import { clusterState } from '../../core/policy/cluster-state.ts';
import type { ClusterState } from '../../core/policy/cluster.ts';
import { checked, formatPolicyIssue, readFiles } from '../input.ts';
import { issuesOf, type ReadManifests } from '../read-manifests.ts';

/**
 * Reads one side of a comparison: a file, a folder, `-`, or, as git has it, `REVISION:PATH`. Throws `bad-input` with every
 * mistake at its place; warns of what in policies is not understood.
 */
export function readSide(
  text: string,
  note: (line: string) => void,
  staged: 'ignored' | 'enforced' = 'ignored',
): ClusterState {
  const revision = existsSync(text) ? null : /^([^:]+):(.*)$/u.exec(text);
  const { objects, locate } =
    revision === null ? readFiles([text], note) : checked(readRevision(revision[1]!, revision[2]!), note);
  const state = clusterState(objects, locate, { staged });
  for (const issue of state.issues) note(`warning: ${formatPolicyIssue(issue)}`);
  return state;
}

const ENDINGS = /\.(?:ya?ml|json)$/u;

/** Manifests as they were in a revision; files of folders that hold none are skipped, as on disk. */
function readRevision(revision: string, path: string): ReadManifests {
  // A revision that looks like an option would be taken for one.
  const commit = git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`])?.trim();
  if (commit === undefined)
    throw unreadable(`${revision}:${path}: neither a file nor a revision of the git repository here`);
  const full = fullPath(path);
  const listed = git([
    'ls-tree',
    '-r',
    '-z',
    '--name-only',
    '--full-tree',
    commit,
    '--',
    ...(full === '' ? [] : [full]),
  ]);
  const files = (listed ?? '').split('\0').filter((each) => each !== '');
  if (files.length === 0) throw unreadable(`${revision}:${path}: no such file or folder in that revision`);
  if (files.length === 1 && files[0] === full) return parse(commit, revision, full);
  const chosen = files.filter((each) => ENDINGS.test(each) && !/(?:^|\/)\.|(?:^|\/)node_modules\//u.test(each));
  if (chosen.length === 0) throw unreadable(`${revision}:${path}: no .yaml, .yml, .json file in this folder`);
  const all = chosen.map((file) => ({ file, read: parse(commit, revision, file) }));
  const isSkipped = ({ manifests }: ReadManifests) =>
    manifests.length > 0 &&
    manifests.every(({ object }) => object['apiVersion'] === undefined && object['kind'] === undefined);
  const kept = all.filter(({ read }) => !isSkipped(read));
  return {
    manifests: kept.flatMap(({ read }) => read.manifests),
    issues: kept.flatMap(({ read }) => read.issues),
    skipped: all.filter(({ read }) => isSkipped(read)).map(({ file }) => `${revision}:${file}`),
  };
}

/** From the top of the repository, without a slash at the end; `./x` is relative to the folder that we are in. */
function fullPath(path: string): string {
  const prefix =
    path === '.' || path.startsWith('./') || path.startsWith('../')
      ? (git(['rev-parse', '--show-prefix'])?.trim() ?? '')
      : '';
  const parts: string[] = [];
  for (const part of `${prefix}${path}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function parse(commit: string, revision: string, file: string): ReadManifests {
  const text = git(['cat-file', 'blob', `${commit}:${file}`]);
  if (text === undefined) throw unreadable(`${revision}:${file}: git cannot read it`);
  const name = `${revision}:${file}`;
  const read = parseManifests(text, name);
  return { manifests: read.manifests, issues: issuesOf({ file: name, text, ...read }), skipped: [] };
}

/** What git prints; undefined when it fails. */
function git(args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync('git', ['--no-optional-locks', ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return status === 0 ? stdout : undefined;
}

function unreadable(message: string): SluiceError<'no-such-input'> {
  return new SluiceError('no-such-input', message);
}
