import { KubeError } from '../kube-client/errors.ts';

/** Where a listing goes on: at which snapshot and from which key. */
interface Page {
  readonly revision: number;
  readonly from: string;
}

/** The position as an opaque text. */
export function pageToken(page: Page): string {
  return Buffer.from(JSON.stringify([page.revision, page.from])).toString('base64url');
}

/** Inverse of {@link pageToken}; throws KubeError `bad-request`. */
export function pageFrom(token: string): Page {
  try {
    const [revision, from] = JSON.parse(Buffer.from(token, 'base64url').toString()) as [unknown, unknown];
    if (typeof revision === 'number' && typeof from === 'string') return { revision, from };
  } catch {
    // Told below.
  }
  throw new KubeError('bad-request', `'${token}' is not a continue token`);
}
