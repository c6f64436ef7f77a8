import { join } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import type { HaproxyChange } from './port.ts';

/** The current worker, as the master's socket calls it. */
const WORKER = '@1';

/** The most that fits into one command with what belongs to it: HAProxy's buffer, less a reserve. */
const MAX_PAYLOAD = 15_000;

/** Makes one change through the runtime API. Fails with `haproxy-refused` when HAProxy answers anything but yes. */
export async function applyChange(
  change: HaproxyChange,
  folder: string,
  ask: (command: string) => Promise<string>,
): Promise<void> {
  if (change.kind === 'certificate') return replaceCertificate(join(folder, change.file), change.pem, ask);
  const server = `${WORKER} set server ${change.backend}/${change.server}`;
  if (change.endpoint === undefined) return expectSilence(await ask(`${server} state maint`));
  const { host, port } = change.endpoint;
  const answer = await ask(`${server} addr ${host} port ${port}; ${server} state ready`);
  if (!/\bchanged from\b|\bno need to change\b/.test(answer)) throw refused(answer);
}

async function replaceCertificate(file: string, pem: string, ask: (command: string) => Promise<string>): Promise<void> {
  if (Buffer.byteLength(pem) > MAX_PAYLOAD) throw refused('the certificate with its chain is too long to be changed');
  // A transaction that an earlier attempt left open would go on.
  await ask(`${WORKER} abort ssl cert ${file}`);
  const prepared = await ask(`${WORKER} set ssl cert ${file} <<\n${pem.trim()}\n`);
  if (!/^Transaction (?:created|updated)/.test(prepared)) throw refused(prepared);
  const committed = await ask(`${WORKER} commit ssl cert ${file}`);
  if (!committed.includes('Success!')) throw refused(committed);
}

function expectSilence(answer: string): void {
  if (answer.trim() !== '') throw refused(answer);
}

function refused(answer: string): SluiceError {
  return new SluiceError('haproxy-refused', `HAProxy: ${answer.trim()}`);
}
