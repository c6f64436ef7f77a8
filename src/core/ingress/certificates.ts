import type { Certificate, Remark } from './model.ts';
import type { IngressReading } from './read-ingress.ts';
import type { IngressWorld } from './world.ts';

/** What the `tls` of one Ingress comes to. */
export interface TlsReading {
  readonly remarks: readonly Remark[];
  readonly uses: readonly { readonly secret: string; readonly pem: string; readonly hosts: readonly string[] }[];
}

/**
 * Finds the certificates of an Ingress. A Secret that is not there yet is a warning, as its writer may be waiting for the
 * Ingress; one that cannot be used makes the Ingress refused.
 */
export function readTls(
  { key, tls }: IngressReading,
  { secrets, inspectCertificate }: Pick<IngressWorld, 'secrets' | 'inspectCertificate'>,
): TlsReading {
  const remarks: Remark[] = [];
  const uses: TlsReading['uses'][number][] = [];
  for (const { hosts, secret } of tls) {
    if (secret === undefined) continue;
    const data = secrets.get(secret);
    if (data === undefined) {
      const message = `Secret ${secret} does not exist; TLS is answered with the default certificate`;
      remarks.push({ owner: key, severity: 'warning', reason: 'TlsSecretMissing', message });
      continue;
    }
    const { certificate = '', key: privateKey = '' } = data;
    const inspected = inspectCertificate(certificate, privateKey);
    if ('problem' in inspected) {
      const message = `Secret ${secret}: ${inspected.problem}`;
      remarks.push({ owner: key, severity: 'refused', reason: 'TlsSecretInvalid', message });
      continue;
    }
    uses.push({
      secret,
      pem: joinPem(certificate, privateKey),
      hosts: hosts.length > 0 ? hosts : inspected.names.map((name) => name.toLowerCase()),
    });
  }
  return { remarks, uses };
}

/** A certificate and its key as one file, without empty lines: that is how certificates travel to a running proxy. */
export function joinPem(certificate: string, key: string): string {
  return `${`${certificate}\n${key}\n`.replace(/\s*\n\s*/g, '\n').trim()}\n`;
}

/** The name of the certificate of a Secret, `namespace/name`. */
export function certificateName(secret: string): string {
  return secret.replace('/', '_');
}

/** Which certificate answers for which host: of several Ingresses that claim one, the first in the list. */
export function assignCertificates(readings: readonly { readonly key: string; readonly uses: TlsReading['uses'] }[]): {
  readonly certificates: readonly Certificate[];
  readonly remarks: readonly Remark[];
} {
  const remarks: Remark[] = [];
  const holders = new Map<string, { readonly secret: string; readonly owner: string }>();
  const found = new Map<string, { pem: string; hosts: string[]; owners: Set<string> }>();
  for (const { key, uses } of readings)
    for (const { secret, pem, hosts } of uses)
      for (const host of hosts) {
        const holder = holders.get(host);
        if (holder !== undefined && holder.secret !== secret) {
          const message = `TLS of ${host} uses Secret ${holder.secret} already, named by Ingress ${holder.owner}`;
          remarks.push({ owner: key, severity: 'warning', reason: 'TlsHostClaimed', message });
          continue;
        }
        const entry = found.get(secret) ?? { pem, hosts: [], owners: new Set() };
        found.set(secret, entry);
        entry.owners.add(key);
        if (holder === undefined) entry.hosts.push(host);
        holders.set(host, holder ?? { secret, owner: key });
      }
  const certificates = [...found].map(([secret, { pem, hosts, owners }]) => ({
    name: certificateName(secret),
    pem,
    hosts: hosts.sort(),
    owners: [...owners].sort(),
  }));
  return { certificates: certificates.sort((a, b) => (a.name < b.name ? -1 : 1)), remarks };
}
