import { CNI_ERROR, CniError } from '../../core/cni/errors.ts';
import { isSupportedVersion, parseNetConfFor } from '../../core/cni/netconf.ts';
import { decodeReply, encodeLine, errorBody } from '../../core/cni/protocol.ts';
import type { CniReply, CniRequest } from '../../core/cni/protocol.ts';
import { CNI_VERSIONS } from '../../core/cni/types.ts';
import type { NetConf } from '../../core/cni/types.ts';
import { messageOf } from '../../base/errors.ts';
import { delegateOf } from './delegate.ts';
import type { Delegate, RunIpam } from './delegate.ts';
import { readEnvironment } from './environment.ts';
import type { CniEnvironment } from './environment.ts';

/** What came of sending one line to the agent. */
export type AgentAnswer =
  | { readonly kind: 'reply'; readonly line: string }
  /** Nobody listens, or the connection ended before the answer. */
  | { readonly kind: 'down'; readonly reason: string }
  | { readonly kind: 'timeout' };

/** What the plugin needs from the world. */
export interface PluginDependencies {
  readonly askAgent: (socket: string, line: string, timeoutMs: number) => Promise<AgentAnswer>;
  /** Leaves a note for an agent that is down; returns how to take it back. Throws when it cannot be written. */
  readonly leaveTombstone: (directory: string, request: CniRequest) => () => void;
  readonly runIpam: RunIpam;
}

/** What to print and how to end. */
export interface PluginOutcome {
  readonly stdout: string;
  readonly exitCode: 0 | 1;
}

/** One run of the plugin. Never rejects: every failure becomes the specification's error object and exit code 1. */
export async function runPlugin(
  env: Readonly<Record<string, string | undefined>>,
  readStdin: () => string,
  dependencies: PluginDependencies,
): Promise<PluginOutcome> {
  let cniVersion: string = CNI_VERSIONS.at(-1)!;
  try {
    const environment = readEnvironment(env);
    const stdin = readStdin();
    // Nothing of the configuration matters to VERSION, and at a shell there is none.
    const config = parseConfig(environment.command === 'VERSION' && stdin.trim() === '' ? '{}' : stdin);
    if (typeof config['cniVersion'] === 'string') cniVersion = config['cniVersion'];
    if (environment.command === 'VERSION') return printed({ cniVersion, supportedVersions: CNI_VERSIONS });
    const netConf = parseNetConfFor(environment.command, config);
    requireVersionFor(environment.command, netConf);
    const request: CniRequest = { ...environment, command: environment.command, config };
    const delegate = delegateOf(request, dependencies.runIpam);
    if (delegate !== undefined) return await performWith(delegate, request, netConf, dependencies);
    return await perform(request, netConf, dependencies);
  } catch (error) {
    return failed(errorBody(error, isSupportedVersion(cniVersion) ? cniVersion : CNI_VERSIONS.at(-1)!));
  }
}

/** Another plugin gives out the addresses, if the agent does not: before the rest is made, and back after it is gone. */
async function performWith(
  delegate: Delegate,
  request: CniRequest,
  config: NetConf,
  dependencies: PluginDependencies,
): Promise<PluginOutcome> {
  const { command } = request;
  const askRanges = (): Promise<PluginOutcome> => perform({ ...request, command: 'IPAM' }, config, dependencies);
  const outcome = isAfter(command) ? await perform(request, config, dependencies) : undefined;
  if (outcome !== undefined && outcome.exitCode !== 0) return outcome;
  if (command === 'DEL') {
    try {
      delegate.del();
    } catch (error) {
      // Where the agent gives addresses out, the other plugin has none to give back and need not even be there.
      const ranges = await askRanges().catch(() => undefined);
      if (ranges === undefined || ranges.exitCode !== 0 || ranges.stdout !== '') throw error;
    }
    return outcome!;
  }
  const ranges = await askRanges();
  if (ranges.exitCode !== 0) return ranges;
  if (ranges.stdout === '') return outcome ?? perform(request, config, dependencies);
  const podCidrs = JSON.parse(ranges.stdout) as readonly string[];
  if (command === 'ADD') return addWith(delegate, podCidrs, request, config, dependencies);
  delegate.forward(command as 'CHECK' | 'GC' | 'STATUS', podCidrs);
  return outcome ?? perform(request, config, dependencies);
}

/** Whether the other plugin's turn comes after ours. */
function isAfter(command: CniRequest['command']): boolean {
  return command === 'DEL' || command === 'GC' || command === 'STATUS';
}

async function addWith(
  delegate: Delegate,
  podCidrs: readonly string[],
  request: CniRequest,
  config: NetConf,
  dependencies: PluginDependencies,
): Promise<PluginOutcome> {
  const ipamResult = delegate.add(podCidrs);
  const outcome = await perform({ ...request, config: { ...request.config, ipamResult } }, config, dependencies);
  // Without an answer the pod may be wired with the address: then it is the runtime's DEL that gives it back.
  if (outcome.exitCode !== 0) delegate.del();
  return outcome;
}

async function perform(
  request: CniRequest,
  config: NetConf,
  { askAgent, leaveTombstone }: PluginDependencies,
): Promise<PluginOutcome> {
  const ask = (): Promise<AgentAnswer> =>
    askAgent(config.agentSocket, encodeLine(request), config.timeoutSeconds * 1000);
  const answer = await ask();
  if (answer.kind === 'reply') return concluded(decodeReply(answer.line));
  if (request.command !== 'DEL') throw unanswered(request.command, answer, config);
  if (answer.kind === 'timeout') throw unanswered(request.command, answer, config);
  const takeBack = tombstone(config.pendingDelDir, request, leaveTombstone);
  // An agent that came up since the first try may have read its notes before ours was written: ask once more.
  const second = await ask();
  if (second.kind !== 'reply') return { stdout: '', exitCode: 0 };
  takeBack();
  return concluded(decodeReply(second.line));
}

function tombstone(directory: string, request: CniRequest, leave: PluginDependencies['leaveTombstone']): () => void {
  try {
    return leave(directory, request);
  } catch (error) {
    throw new CniError(
      CNI_ERROR.ioFailure,
      `the agent is down and the note for it cannot be written to ${directory}`,
      messageOf(error),
      error,
    );
  }
}

/** The error for a request that the agent did not answer; what the runtime should do with it depends on the command. */
function unanswered(
  command: CniRequest['command'],
  answer: Exclude<AgentAnswer, { kind: 'reply' }>,
  { agentSocket, timeoutSeconds }: NetConf,
): CniError {
  const why =
    answer.kind === 'timeout'
      ? `the Sluice agent at ${agentSocket} did not answer within ${timeoutSeconds} s`
      : `the Sluice agent at ${agentSocket} is not running`;
  const code = command === 'STATUS' ? CNI_ERROR.pluginNotAvailable : CNI_ERROR.tryAgainLater;
  const advice = 'see the sluice-node pod of this node (kubectl -n kube-system logs -l k8s-app=sluice-node)';
  return new CniError(code, `${command}: ${why}; ${advice}`, answer.kind === 'down' ? answer.reason : '');
}

/** CHECK came with specification 0.4.0, GC and STATUS with 1.1.0; a runtime must not use them with older configurations. */
function requireVersionFor(command: CniEnvironment['command'], { cniVersion }: NetConf): void {
  const since = command === 'CHECK' ? '0.4.0' : command === 'GC' || command === 'STATUS' ? '1.1.0' : '0.3.1';
  const order: readonly string[] = CNI_VERSIONS;
  if (order.indexOf(cniVersion) < order.indexOf(since))
    throw new CniError(
      CNI_ERROR.incompatibleVersion,
      `${command} needs cniVersion ${since} or newer, the configuration has ${cniVersion}`,
    );
}

function parseConfig(stdin: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(stdin);
  } catch (error) {
    const what = stdin.trim() === '' ? 'there is no network configuration on stdin' : 'stdin is not JSON';
    throw new CniError(CNI_ERROR.decodingFailure, what, messageOf(error), error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CniError(CNI_ERROR.decodingFailure, 'the network configuration on stdin is not a JSON object');
  return value as Record<string, unknown>;
}

function concluded(reply: CniReply): PluginOutcome {
  if ('error' in reply) return failed(reply.error);
  return reply.ok === null || reply.ok === undefined ? { stdout: '', exitCode: 0 } : printed(reply.ok);
}

function printed(value: unknown): PluginOutcome {
  return { stdout: `${JSON.stringify(value)}\n`, exitCode: 0 };
}

function failed(error: object): PluginOutcome {
  return { stdout: `${JSON.stringify(error)}\n`, exitCode: 1 };
}
