import { messageOf } from '../../base/errors.ts';
import { CNI_ERROR, CniError } from './errors.ts';
import type { CniCommand } from './types.ts';

/**
 * What the plugin asks of the agent: one line of JSON over the agent's socket. VERSION never gets this far. IPAM, which no
 * runtime knows, asks for the node's ranges of pod addresses; the answer is null where the agent gives out addresses itself.
 */
export interface CniRequest {
  readonly command: Exclude<CniCommand, 'VERSION'> | 'IPAM';
  /** CNI_CONTAINERID; empty for GC and STATUS. */
  readonly containerId: string;
  /** CNI_NETNS: path of the pod's network namespace as the agent's mount tree shows it; may be empty for DEL. */
  readonly netns: string;
  /** CNI_IFNAME. */
  readonly ifname: string;
  /** CNI_ARGS, verbatim; `parseArgs()` reads it. */
  readonly args: string;
  /** CNI_PATH. */
  readonly path: string;
  /** The network configuration as it came on stdin; `parseNetConfFor()` validates it. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** The specification's error object. */
export interface CniErrorBody {
  readonly cniVersion: string;
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

/** The agent's answer, one line of JSON: `ok` is printed as it is (already in the caller's version; null prints nothing). */
export type CniReply = { readonly ok: unknown } | { readonly error: CniErrorBody };

/** One JSON line with its newline. */
export function encodeLine(message: CniRequest | CniReply): string {
  return `${JSON.stringify(message)}\n`;
}

const COMMANDS: ReadonlySet<string> = new Set(['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'IPAM']);

/** Reads a request line; throws a {@link CniError} (code 6) that says which field is wrong. */
export function decodeRequest(line: string): CniRequest {
  const value = parseObject(line, 'request');
  const text = (key: string): string => {
    const field = value[key] ?? '';
    if (typeof field !== 'string') throw new CniError(CNI_ERROR.decodingFailure, `request: ${key} is not a string`);
    return field;
  };
  const command = text('command');
  if (!COMMANDS.has(command))
    throw new CniError(CNI_ERROR.decodingFailure, `request: unknown command ${JSON.stringify(command)}`);
  return {
    command: command as CniRequest['command'],
    containerId: text('containerId'),
    netns: text('netns'),
    ifname: text('ifname'),
    args: text('args'),
    path: text('path'),
    config: isObject(value['config']) ? value['config'] : {},
  };
}

/** Reads a reply line; throws a {@link CniError} (code 6) when it is not one. */
export function decodeReply(line: string): CniReply {
  const value = parseObject(line, 'reply');
  if (isObject(value['error'])) return { error: value['error'] as unknown as CniErrorBody };
  if ('ok' in value) return { ok: value['ok'] };
  throw new CniError(CNI_ERROR.decodingFailure, 'reply: neither ok nor error');
}

/** The specification's form of anything that was thrown; what is not a {@link CniError} has code 999. */
export function errorBody(error: unknown, cniVersion: string): CniErrorBody {
  const code = error instanceof CniError ? error.cniCode : CNI_ERROR.internal;
  const details = error instanceof CniError ? error.details : '';
  return { cniVersion, code, msg: messageOf(error), ...(details === '' ? {} : { details }) };
}

function parseObject(line: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new CniError(CNI_ERROR.decodingFailure, `${what}: not JSON`, messageOf(error), error);
  }
  if (!isObject(value)) throw new CniError(CNI_ERROR.decodingFailure, `${what}: not a JSON object`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
