import { SluiceError } from '../../base/errors.ts';
import {
  OFPT,
  OpenFlowReader,
  decodeError,
  decodeFlowReply,
  encodeFlowRequest,
  encodeMessage,
} from './openflow-codec.ts';
import type { OpenFlowMessage } from './openflow-codec.ts';
import { UnixStream } from './unix-stream.ts';

/** One conversation with a bridge about its flows, over the unix socket that ovs-vswitchd keeps for it. */
export class FlowSession implements Disposable {
  readonly #stream: UnixStream;
  readonly #reader = new OpenFlowReader();
  #waiting: OpenFlowMessage[] = [];

  constructor(path: string) {
    this.#stream = new UnixStream(path);
    this.#stream.write(encodeMessage(OFPT.HELLO));
  }

  /** Makes the changes and returns when all are in force. Throws `failed` when one was refused; the others are made. */
  change(messages: readonly Uint8Array[]): void {
    this.#stream.write(Buffer.concat([...messages, encodeMessage(OFPT.BARRIER_REQUEST)]));
    let refused: string | undefined;
    for (let message = this.#next(); message.type !== OFPT.BARRIER_REPLY; message = this.#next())
      if (message.type === OFPT.ERROR) refused ??= decodeError(message.body);
    if (refused !== undefined) throw new SluiceError('failed', `Open vSwitch refused a flow: ${refused}`);
  }

  /** The cookie of every flow. */
  cookies(): readonly bigint[] {
    this.#stream.write(encodeFlowRequest());
    const cookies: bigint[] = [];
    for (;;) {
      const { type, body } = this.#next();
      if (type === OFPT.ERROR) throw new SluiceError('failed', `Open vSwitch lists no flows: ${decodeError(body)}`);
      if (type !== OFPT.MULTIPART_REPLY) continue;
      const reply = decodeFlowReply(body);
      cookies.push(...reply.cookies);
      if (!reply.more) return cookies;
    }
  }

  [Symbol.dispose](): void {
    this.#stream[Symbol.dispose]();
  }

  #next(): OpenFlowMessage {
    for (;;) {
      const message = this.#waiting.shift();
      if (message === undefined) this.#waiting = [...this.#reader.push(this.#stream.read())];
      else if (message.type === OFPT.ECHO_REQUEST)
        this.#stream.write(encodeMessage(OFPT.ECHO_REPLY, (writer) => writer.raw(message.body)));
      else return message;
    }
  }
}
