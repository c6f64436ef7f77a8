import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Container } from 'kubernetes-types/core/v1.d.ts';
import { SluiceError } from '../../../../base/errors.ts';
import type { ImageProgram } from '../../images/image.ts';
import { expand } from './expand.ts';

/** What to execute; `replaced` names the manifest's command when this machine does not have it. */
export interface ContainerCommand {
  readonly command: readonly [string, ...string[]];
  readonly replaced?: string;
}

/**
 * What a container runs: `command` and `args` override the image's program as Kubernetes documents. A program that this
 * machine does not have is replaced by the image's built-in one, or is error `start-failed` where the image is a shell.
 */
export function containerCommand(
  container: Container,
  image: ImageProgram,
  env: Readonly<Record<string, string>>,
  /** Paths that exist in the container but not on the node: below volumes. */
  mounted: (path: string) => string | undefined,
): ContainerCommand {
  const words = (list: readonly string[] = []): string[] => list.map((word) => expand(word, env));
  const command = words(container.command);
  const args = words(container.args);
  const wanted = command.length > 0 ? [...command, ...args] : image.argumentsAreCommand ? args : [];
  if (wanted.length === 0) return { command: resolved([...image.program, ...args], image, env, mounted) };
  const alias = image.aliases[wanted[0] ?? ''];
  if (alias !== undefined) return { command: resolved([...alias, ...wanted.slice(1)], image, env, mounted) };
  if (image.fallBack && find(wanted[0] ?? '', searchPath(image, env), mounted) === undefined)
    return {
      command: resolved([...image.program], image, env, mounted),
      // Options alone are for the program that the image would start, so nothing is missing.
      ...(wanted[0]?.startsWith('-') ? {} : { replaced: wanted.join(' ') }),
    };
  return { command: resolved(wanted, image, env, mounted) };
}

function searchPath(image: ImageProgram, env: Readonly<Record<string, string>>): string {
  return env['PATH'] ?? image.path;
}

function resolved(
  words: readonly string[],
  image: ImageProgram,
  env: Readonly<Record<string, string>>,
  mounted: (path: string) => string | undefined,
): readonly [string, ...string[]] {
  const [program = '', ...rest] = words;
  const path = find(program, searchPath(image, env), mounted);
  if (path === undefined)
    throw new SluiceError('start-failed', `exec: "${program}": executable file not found in $PATH`, { program });
  return [path, ...rest];
}

function find(program: string, path: string, mounted: (path: string) => string | undefined): string | undefined {
  if (program.includes('/')) return executable(mounted(program) ?? program) ? program : undefined;
  return path
    .split(':')
    .map((directory) => join(directory, program))
    .find((candidate) => executable(mounted(candidate) ?? candidate));
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
