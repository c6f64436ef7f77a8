import { connect } from 'node:net';
import type { Container, ExecAction, HTTPGetAction, TCPSocketAction } from 'kubernetes-types/core/v1.d.ts';
import { messageOf } from '../../../../base/errors.ts';
import { http } from '../../../../host/http.ts';

/** What a probe or a lifecycle hook does. */
export interface Action {
  readonly exec?: ExecAction;
  readonly httpGet?: HTTPGetAction;
  readonly tcpSocket?: TCPSocketAction;
  readonly sleep?: { readonly seconds: number };
}

/** Where an action is carried out, and how long it may take. */
export interface ActionContext {
  readonly container: Container;
  readonly podIp: string;
  /** Runs a command in the container; resolves to its exit code and output. */
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<{ code: number; output: string }>;
  readonly timeoutMs: number;
}

/** Whether an action succeeded, and if not why. */
export type ActionResult = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** Carries out an action once; never throws. The messages are the kubelet's. */
export async function runAction(action: Action, context: ActionContext): Promise<ActionResult> {
  try {
    if (action.exec) return await runExec(action.exec, context);
    if (action.httpGet) return await runHttpGet(action.httpGet, context);
    if (action.tcpSocket) return await runTcp(action.tcpSocket, context);
    if (action.sleep) await new Promise((resolve) => setTimeout(resolve, (action.sleep?.seconds ?? 0) * 1000));
    return { ok: true };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

async function runExec({ command = [] }: ExecAction, { exec, timeoutMs }: ActionContext): Promise<ActionResult> {
  const { code, output } = await exec(command, timeoutMs);
  return code === 0 ? { ok: true } : { ok: false, message: output.trim() || `exit code ${code}` };
}

function runHttpGet(action: HTTPGetAction, context: ActionContext): Promise<ActionResult> {
  const { scheme = 'HTTP', path = '/', httpHeaders = [] } = action;
  const host = action.host ?? context.podIp;
  const port = portOf(action.port, context.container);
  const url = `${scheme.toLowerCase()}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
  return new Promise((resolve) => {
    const fail = (message: string): void => resolve({ ok: false, message });
    const { request } = scheme === 'HTTPS' ? process.getBuiltinModule('node:https') : http;
    const options = {
      host,
      port,
      path,
      agent: false,
      // A probe asks whether the server lives, not who it is; the kubelet does not verify either.
      rejectUnauthorized: false,
      headers: {
        'user-agent': 'kube-probe/1.32',
        ...Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value])),
      },
    };
    const sent = request(options, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      if (statusCode >= 200 && statusCode < 400) resolve({ ok: true });
      else fail(`HTTP probe failed with statuscode: ${statusCode}`);
    });
    sent.setTimeout(context.timeoutMs, () => sent.destroy(new Error('context deadline exceeded')));
    sent.on('error', (error) => fail(`Get "${url}": ${error.message}`));
    sent.end();
  });
}

function runTcp(action: TCPSocketAction, context: ActionContext): Promise<ActionResult> {
  const host = action.host ?? context.podIp;
  const port = portOf(action.port, context.container);
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (result: ActionResult): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(context.timeoutMs, () => end({ ok: false, message: `dial tcp ${host}:${port}: i/o timeout` }));
    socket.once('connect', () => end({ ok: true }));
    socket.once('error', (error) => end({ ok: false, message: `dial tcp ${host}:${port}: ${error.message}` }));
  });
}

function portOf(port: number | string, { ports = [] }: Container): number {
  if (typeof port === 'number') return port;
  const named = ports.find(({ name }) => name === port);
  const number = named?.containerPort ?? Number(port);
  if (!Number.isInteger(number)) throw new Error(`container has no port named ${port}`);
  return number;
}
