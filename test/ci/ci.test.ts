import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { commandPages } from '../../src/cli/command-page.ts';
import { COMMANDS } from '../../src/cli/commands.ts';

const root = resolve(import.meta.dirname, '../..');
const ci = join(root, 'deploy/ci');

const POLICY = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: web, namespace: shop }
spec:
  podSelector: { matchLabels: { app: web } }
  policyTypes: [Ingress]
  ingress: [{ from: [{ podSelector: {} }], ports: [{ port: 80 }] }]
`;
const PODS = ['web', 'client']
  .map(
    (app) =>
      `---\napiVersion: v1\nkind: Pod\nmetadata: { name: ${app}, namespace: shop, labels: { app: ${app} } }\nspec: { containers: [{ name: c, image: i }] }\n`,
  )
  .join('');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-ci-'));
  git('init', '-q', '-b', 'main');
  write('deploy/all.yaml', POLICY + PODS);
  write('tests/web.yaml', 'files: ../deploy\ntests: [{ allow: { from: shop/client, to: shop/web, port: 80 } }]\n');
  commit();
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

function git(...args: readonly string[]): void {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false'];
  const { status, stderr } = spawnSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
}

function commit(): void {
  git('add', '.');
  git('commit', '-q', '-m', 'change');
}

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

describe('the GitHub action', () => {
  const action = parse(readFileSync(join(ci, 'action.yml'), 'utf8')) as {
    readonly inputs: Readonly<
      Record<string, { readonly description: string; readonly required?: boolean; readonly default?: string }>
    >;
    readonly runs: {
      readonly using: string;
      readonly steps: readonly {
        readonly shell: string;
        readonly run: string;
        readonly env: Readonly<Record<string, string>>;
      }[];
    };
  };

  it('uses every input it declares, declares every input it uses, and never puts one into a script', () => {
    const text = readFileSync(join(ci, 'action.yml'), 'utf8');
    const used = new Set([...text.matchAll(/inputs\.([a-z-]+)/gu)].map((match) => match[1]!));
    expect([...used].sort()).toEqual(Object.keys(action.inputs).sort());
    for (const input of Object.values(action.inputs))
      expect(input.required === true || input.default !== undefined).toBe(true);
    for (const step of action.runs.steps) {
      expect(step.shell).toBe('sh');
      expect(step.run).not.toContain('${{');
    }
  });

  it('gives its scripts every variable that they read', () => {
    for (const { run: script, env } of action.runs.steps) {
      const file = /\/([a-z]+\.sh)/u.exec(script)![1]!;
      const read = new Set(
        [...readFileSync(join(ci, file), 'utf8').matchAll(/\$\{?(SLUICE_[A-Z_]+)/gu)].map((match) => match[1]!),
      );
      expect(
        Object.keys(env)
          .filter((name) => name.startsWith('SLUICE_'))
          .sort(),
      ).toEqual([...read].sort());
    }
  });
});

describe('review.sh', () => {
  function review(env: Readonly<Record<string, string>>) {
    for (const name of ['output', 'summary']) write(name, '');
    const result = run(join(ci, 'review.sh'), [], {
      SLUICE_MANIFESTS: 'deploy',
      SLUICE_LINT: 'error',
      RUNNER_TEMP: folder,
      GITHUB_OUTPUT: join(folder, 'output'),
      GITHUB_STEP_SUMMARY: join(folder, 'summary'),
      ...env,
    });
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    return { ...result, output: read('output'), summary: read('summary') };
  }

  it('is content with a change that opens nothing', () => {
    write('deploy/all.yaml', `# the same\n${PODS}${POLICY.replace(/^/u, '---\n')}`);
    const { code, output, summary } = review({
      SLUICE_BASE: 'HEAD',
      SLUICE_FAIL_ON: 'any',
      SLUICE_TESTS: 'tests/*.yaml',
    });
    expect(code).toBe(0);
    expect(output).toBe(`comment=${folder}/sluice-comment.md\n`);
    expect(summary).toContain('✅');
  });

  it('fails when something opens and that is not wanted, and writes what', () => {
    write('deploy/all.yaml', POLICY.replace('port: 80', 'port: 81') + PODS);
    const { code, out, summary } = review({ SLUICE_BASE: 'HEAD', SLUICE_FAIL_ON: 'opened' });
    expect(code).toBe(1);
    expect(summary).toContain('| 1 | `shop/client` | `shop/web` | TCP 81 |');
    expect(out).toContain(summary);
    expect(review({ SLUICE_BASE: 'HEAD' })).toMatchObject({ code: 0 });
  });

  it('fails when a test does, and when lint does, and says both', () => {
    write('deploy/all.yaml', POLICY.replace('port: 80', 'port: 81').replace('policyTypes', 'policyType') + PODS);
    const { code, out } = review({ SLUICE_TESTS: 'tests/*.yaml' });
    expect(code).toBe(2);
    expect(out).toMatch(/^::error .*file=deploy\/all\.yaml,line=6/mu);
  });

  it('has nothing to compare with when the folder is new, and says what to do when the revision is not there', () => {
    write('more/all.yaml', POLICY + PODS);
    expect(review({ SLUICE_BASE: 'HEAD', SLUICE_MANIFESTS: 'more' })).toMatchObject({ code: 0, output: 'comment=\n' });
    const { code, out } = review({ SLUICE_BASE: 'origin/main' });
    expect(code).toBe(2);
    expect(out).toContain('fetch-depth: 0');
  });
});

describe('comment.sh', () => {
  it.each([
    ['a new comment when there is none', '', ['--method POST repos/o/r/issues/7/comments']],
    ['the earlier one when there is', '41\n42', ['--method PATCH repos/o/r/issues/comments/41']],
  ])('writes %s', (_, earlier, wanted) => {
    write(
      'bin/gh',
      `#!/bin/sh\necho "$@" >>"${folder}/calls"\ncase "$*" in *--paginate*) printf '${earlier}' ;; esac\n`,
    );
    spawnSync('chmod', ['+x', join(folder, 'bin/gh')]);
    const { code, err } = run(join(ci, 'comment.sh'), [], {
      PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
      GITHUB_REPOSITORY: 'o/r',
      SLUICE_PULL_REQUEST: '7',
      SLUICE_COMMENT: '/some/file.md',
    });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const calls = readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n').slice(1);
    expect(calls).toEqual(wanted.map((call) => `api ${call} --field body=@/some/file.md --silent`));
  });
});

describe('the hooks for pre-commit', () => {
  const hooks = parse(readFileSync(join(ci, '.pre-commit-hooks.yaml'), 'utf8')) as readonly {
    readonly id: string;
    readonly entry: string;
    readonly language: string;
  }[];

  it('are found at the top of the repository', () => {
    expect(readlinkSync(join(root, '.pre-commit-hooks.yaml'))).toBe('deploy/ci/.pre-commit-hooks.yaml');
  });

  it('call commands and options that there are', async () => {
    const pages = await commandPages(COMMANDS);
    for (const { entry, language } of hooks) {
      expect(language).toBe('script');
      const [program, name, ...options] = entry.split(' ');
      expect(program).toBe('./sluice');
      const page = pages.find((each) => each.name === name);
      expect(page?.options.map(({ long }) => long)).toEqual(expect.arrayContaining(options));
    }
  });

  it.skipIf(spawnSync('pre-commit', ['--version']).status !== 0)('run under pre-commit itself', () => {
    const local = hooks.map((hook) => ({
      ...hook,
      // What pre-commit makes of a path in the hooks' own repository.
      entry: hook.entry.replace('./sluice', join(root, 'sluice')),
      language: 'system',
      ...(hook.id === 'sluice-test' ? { args: ['tests/web.yaml'] } : {}),
    }));
    write('.pre-commit-config.yaml', JSON.stringify({ repos: [{ repo: 'local', hooks: local }] }));
    const hook = (id: string) =>
      run('pre-commit', ['run', id, '--files', 'deploy/all.yaml'], { PRE_COMMIT_HOME: join(folder, 'cache') });
    git('add', '.');
    expect(hook('sluice-lint')).toMatchObject({ code: 0 });
    expect(hook('sluice-test')).toMatchObject({ code: 0 });
    write('deploy/all.yaml', POLICY.replace('policyTypes', 'policyType') + PODS);
    git('add', '.');
    expect(hook('sluice-lint')).toMatchObject({ code: 1, out: expect.stringContaining('did you mean') });
  });
});
