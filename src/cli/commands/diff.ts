import { SluiceError } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import { compareClusters } from '../diff/compare.ts';
import type { DiffReport } from '../diff/model.ts';
import { readSide } from '../diff/read-side.ts';
import { jsonDiff } from '../diff/write-json.ts';
import { githubDiff, markdownDiff } from '../diff/write-markdown.ts';
import { textDiff } from '../diff/write-text.ts';
import { LANGUAGE, languageOf } from '../language.ts';

const WRITERS: Readonly<Record<string, (report: DiffReport) => string>> = {
  text: textDiff,
  json: jsonDiff,
  md: markdownDiff,
  github: githubDiff,
};

/** `sluice diff OLD NEW` */
export const command: Command = {
  meta: {
    description:
      'Says what becomes reachable and what stops being, whatever the texts look like, with a connection that shows each\n' +
      'change and the policies that are responsible for it.\n' +
      'OLD and NEW: a file or folder of manifests, - for standard input, or REVISION:PATH of the git repository here.\n' +
      'What pods of one side only can do is no change; they are listed.\n' +
      'Exit code 0; 1 when there is a change that --fail-on names; 2 when they could not be compared.',
    examples: [
      'sluice diff old/ new/',
      'sluice diff HEAD~1:manifests manifests',
      'sluice diff origin/main:deploy deploy -o github --fail-on opened',
      'sluice diff deploy deploy --staged',
    ],
  },
  args: {
    positionals: [
      { name: '<old>', description: 'how it was', completes: 'file' },
      { name: '<new>', description: 'how it will be', completes: 'file' },
    ],
    options: [
      {
        flags: '--fail-on <change>',
        description: 'exit with 1 when there is such a change',
        choices: ['opened', 'closed', 'any'],
      },
      { flags: '--staged', description: "judge Calico's staged policies of NEW as if they were in force" },
      LANGUAGE,
      {
        flags: '-o, --output <format>',
        description: 'how to print it',
        choices: Object.keys(WRITERS),
        fallback: 'text',
      },
    ],
  },
  run: async ({ arguments: [old = '', young = ''], values, print, note, env }) => {
    if (old === '-' && young === '-') throw new SluiceError('bad-question', 'only one side can be standard input');
    const staged = values['staged'] === true ? 'enforced' : 'ignored';
    const [before, now] = [readSide(old, note), readSide(young, note, staged)];
    const report = compareClusters(before, now, languageOf(values['lang'] as string | undefined, env));
    print(WRITERS[String(values['output'])]!(report));
    return isRefused(report, values['failOn']) ? 1 : 0;
  },
};

function isRefused({ opened, closed }: DiffReport, what: unknown): boolean {
  if (what === 'opened') return opened.length > 0;
  if (what === 'closed') return closed.length > 0;
  return what === 'any' && opened.length + closed.length > 0;
}
