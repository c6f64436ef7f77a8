import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** What a token of this cluster says of its bearer. */
export interface TokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly iat: number;
  readonly exp: number;
  /** Beside what the user's name implies; only on tokens that the supervisor hands out. */
  readonly groups?: readonly string[];
  readonly 'kubernetes.io'?: {
    readonly namespace: string;
    readonly serviceaccount: { readonly name: string; readonly uid: string };
    readonly pod?: { readonly name: string; readonly uid: string };
  };
}

/** Issuer and default audience of service-account tokens, as in Kubernetes. */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** Checked tokens that are remembered at most. */
const MAX_KNOWN = 1000;

/** Signs and checks JSON Web Tokens (RFC 7519) with ES256. Times are seconds since 1970. */
export interface TokenSigner {
  sign(claims: TokenClaims): string;
  /** The claims, when the signature is ours and the token has not expired. */
  verify(token: string, now: number): TokenClaims | undefined;
}

/** A signer with this key (P-256, PEM). Throws when it is no private key. */
export function tokenSigner(privateKeyPem: string): TokenSigner {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKey = createPublicKey(privateKey);
  const header = encode({ alg: 'ES256', typ: 'JWT' });
  // A signature costs 0.2 ms to check and clients send the same token with every request.
  const known = new Map<string, TokenClaims>();
  return {
    sign: (claims) => {
      const signed = `${header}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${signed}.${signature.toString('base64url')}`;
    },
    verify: (token, now) => {
      const claims = known.get(token) ?? check(token, publicKey);
      if (claims === undefined || claims.exp <= now) {
        known.delete(token);
        return undefined;
      }
      if (known.size >= MAX_KNOWN) known.clear();
      known.set(token, claims);
      return claims;
    },
  };
}

function check(token: string, publicKey: KeyObject): TokenClaims | undefined {
  const [header, payload, signature, ...rest] = token.split('.');
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return undefined;
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  if (!verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')))
    return undefined;
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as TokenClaims;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
