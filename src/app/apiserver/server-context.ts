import type { Logger } from '../../base/log.ts';
import type { ApiContext } from '../../core/objectstore/index.ts';
import type { TokenSigner } from './tokens.ts';

/** What every request is answered with. */
export interface ServerContext {
  readonly api: ApiContext;
  readonly log: Logger;
  readonly signer: TokenSigner;
  readonly kubeletSocket: (nodeName: string) => string | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** Who sends a request. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}
