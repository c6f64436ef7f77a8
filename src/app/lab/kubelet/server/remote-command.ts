import { messageOf } from '../../../../base/errors.ts';
import type { ContainerProcess } from '../../../../host/container/process.ts';
import { outputEnd } from '../../../../host/container/process.ts';
import type { ContainerRunner } from '../pod/container-runner.ts';
import type { Connect } from './channels.ts';

/** What of a command's streams the client wants, and the command. */
export interface RemoteCommand {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Runs a further command in a container for a client. */
export async function serveExec(runner: ContainerRunner, wanted: RemoteCommand, connect: Connect): Promise<void> {
  let process: ContainerProcess | undefined;
  const pending: Buffer[] = [];
  const channels = connect({
    onStdin: (data) => (process === undefined ? void pending.push(data) : void process.stdin?.write(data)),
    onStdinEnd: () => process?.stdin?.end(),
    onResize: (columns, rows) => process?.resize(columns, rows),
    // What a client leaves behind would otherwise run for ever.
    onGone: () => process?.kill(wanted.tty ? 'SIGHUP' : 'SIGKILL'),
  });
  try {
    process = runner.exec(wanted.command, { stdin: wanted.stdin, tty: wanted.tty });
  } catch (error) {
    return channels.end({ kind: 'failed', message: messageOf(error) });
  }
  for (const data of pending) process.stdin?.write(data);
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = process[name];
    // Consumed in any case, so that the process does not wait for a reader.
    stream?.on('data', (data: Buffer) => {
      if (wanted[name] && !channels.send(name, data, () => stream.resume())) stream.pause();
    });
  }
  const { code } = await process.exit;
  await outputEnd(process);
  channels.end({ kind: 'exited', code });
}

/**
 * Connects a client to the container's own streams. Output that nobody has seen yet comes first, so that neither a
 * prompt nor the output of a short command is lost between the container's start and the client's arrival.
 */
export async function serveAttach(runner: ContainerRunner, wanted: RemoteCommand, connect: Connect): Promise<void> {
  const { process } = runner;
  const { stdinOnce = false } = runner.spec;
  const closeInput = (): void => {
    if (wanted.stdin && stdinOnce) process?.stdin?.end();
  };
  const channels = connect({
    onStdin: (data) => void process?.stdin?.write(data),
    onStdinEnd: closeInput,
    onResize: (columns, rows) => process?.resize(columns, rows),
    onGone: () => {
      closeInput();
      detach();
    },
  });
  const toStdout = (data: Buffer): void => void channels.send('stdout', data);
  const toStderr = (data: Buffer): void => void channels.send('stderr', data);
  const detach = (): void => {
    process?.stdout.off('data', toStdout);
    process?.stderr?.off('data', toStderr);
  };
  if (process === undefined)
    return channels.end({ kind: 'failed', message: `container ${runner.spec.name} is not running` });
  const backlog = runner.takeBacklog();
  if (backlog.length > 0 && wanted.stdout) toStdout(backlog);
  if (wanted.stdout) process.stdout.on('data', toStdout);
  if (wanted.stderr) process.stderr?.on('data', toStderr);
  const { code } = await process.exit;
  await outputEnd(process);
  channels.end({ kind: 'exited', code });
}
