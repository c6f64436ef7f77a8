import { createPrivateKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** PEM texts of one certificate and its key. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Everything secret that a cluster's API server needs; lives in `<stateDir>/pki`. */
export interface Pki {
  readonly ca: string;
  readonly server: KeyPair;
  /** A client certificate of group system:masters. */
  readonly admin: KeyPair;
  /** Private key (PEM, P-256) that signs service-account tokens. */
  readonly tokenKey: string;
}

/** Names and addresses that the serving certificate answers for. */
export interface ServingNames {
  readonly dns: readonly string[];
  readonly addresses: readonly string[];
}

const FILES = {
  ca: 'ca.crt',
  serverCertificate: 'apiserver.crt',
  serverKey: 'apiserver.key',
  adminCertificate: 'admin.crt',
  adminKey: 'admin.key',
  tokenKey: 'service-account.key',
  names: 'names.json',
} as const;

/** Reads the cluster's certificates, or makes them when there are none or when they are for other names. */
export async function loadPki(directory: string, names: ServingNames): Promise<Pki> {
  const read = (file: string): string => readFileSync(join(directory, file), 'utf8');
  const wanted = JSON.stringify(names);
  const complete = Object.values(FILES).every((file) => existsSync(join(directory, file)));
  if (complete && read(FILES.names) === wanted) {
    return {
      ca: read(FILES.ca),
      server: { certificate: read(FILES.serverCertificate), key: read(FILES.serverKey) },
      admin: { certificate: read(FILES.adminCertificate), key: read(FILES.adminKey) },
      tokenKey: read(FILES.tokenKey),
    };
  }
  const pki = await createPki(names);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const write = (file: string, text: string): void => writeFileSync(join(directory, file), text, { mode: 0o600 });
  write(FILES.ca, pki.ca);
  write(FILES.serverCertificate, pki.server.certificate);
  write(FILES.serverKey, pki.server.key);
  write(FILES.adminCertificate, pki.admin.certificate);
  write(FILES.adminKey, pki.admin.key);
  write(FILES.tokenKey, pki.tokenKey);
  write(FILES.names, wanted);
  return pki;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEAR = 365 * 24 * 3600 * 1000;

/** A new CA, a serving and an admin certificate. The CA's key is not kept: a cluster gets new certificates as a whole. */
async function createPki(names: ServingNames): Promise<Pki> {
  // Both are loaded only here: they cost 140 ms, and every later start reads files instead.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as never);
  const notBefore = new Date(Date.now() - 3600 * 1000);
  const notAfter = new Date(Date.now() + 10 * YEAR);
  const newKeys = (): Promise<CryptoKeyPair> => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const caKeys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=sluice-ca',
    keys: caKeys,
    signingAlgorithm: ALGORITHM,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const issue = async (subject: string, usage: string, alternatives?: ServingNames): Promise<KeyPair> => {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore,
      notAfter,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
        ...(alternatives === undefined
          ? []
          : [
              new x509.SubjectAlternativeNameExtension([
                ...alternatives.dns.map((value) => ({ type: 'dns', value }) as const),
                ...alternatives.addresses.map((value) => ({ type: 'ip', value }) as const),
              ]),
            ]),
      ],
    });
    return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
  };
  return {
    ca: ca.toString('pem'),
    server: await issue('CN=kube-apiserver', x509.ExtendedKeyUsage.serverAuth, names),
    admin: await issue('O=system:masters, CN=sluice-admin', x509.ExtendedKeyUsage.clientAuth),
    tokenKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
}

type CryptoKeyPair = webcrypto.CryptoKeyPair;

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
}
