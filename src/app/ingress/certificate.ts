import { X509Certificate, createPrivateKey, webcrypto } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../../base/errors.ts';
import type { InspectCertificate } from '../../core/ingress/index.ts';

/** Judges a certificate with OpenSSL, as HAProxy will: it parses, and the key is its own and strong enough. */
export const inspectCertificate: InspectCertificate = (certificate, key) => {
  if (certificate.trim() === '') return { problem: 'it has no certificate (tls.crt)' };
  if (key.trim() === '') return { problem: 'it has no key (tls.key)' };
  try {
    const parsed = new X509Certificate(certificate);
    if (!parsed.checkPrivateKey(createPrivateKey(key))) return { problem: 'the key is not that of the certificate' };
    createSecureContext({ cert: certificate, key });
    return { names: namesOf(parsed) };
  } catch (error) {
    return { problem: `the certificate or its key cannot be used: ${messageOf(error)}` };
  }
};

function namesOf({ subjectAltName, subject }: X509Certificate): string[] {
  const alternatives = (subjectAltName ?? '').split(', ').flatMap((each) => /^DNS:(.+)$/.exec(each)?.[1] ?? []);
  const common = /^CN=(.+)$/m.exec(subject)?.[1];
  return alternatives.length > 0 || common === undefined ? alternatives : [common];
}

const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEAR = 365 * 24 * 3600 * 1000;

/** A certificate for a name, PEM, that nobody trusts, and its key. `now` is in milliseconds since the epoch. */
export async function selfSignedCertificate(
  name: string,
  now: number,
  algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams = ECDSA,
): Promise<{ readonly certificate: string; readonly key: string }> {
  // Loaded only here, as it is needed once.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as never);
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: { hash: 'SHA-256', ...algorithm },
    notBefore: new Date(now - 3600 * 1000),
    notAfter: new Date(now + 10 * YEAR),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
  return { certificate: certificate.toString('pem'), key: key.toString() };
}
