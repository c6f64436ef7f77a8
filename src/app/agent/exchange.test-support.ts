import { connect } from 'node:net';
import type { CniReply, CniRequest } from '../../core/cni/index.ts';

/** Asks the agent whose socket lies at `path`, as the CNI plugin does; rejects when it hangs up without a word. */
export function exchange(path: string, request: CniRequest): Promise<CniReply> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('error', reject);
    socket.on('end', () => (text === '' ? reject(new Error('no answer')) : resolve(JSON.parse(text) as CniReply)));
  });
}
