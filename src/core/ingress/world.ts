import type { IngressClass } from 'kubernetes-types/networking/v1.d.ts';
import type { Ingress, Service } from '../kube/types.ts';
import type { KnownName } from './external-name.ts';
import type { SliceSpec } from '../service/model.ts';

/** What of a Secret matters here, decoded. */
export interface SecretData {
  /** `tls.crt`. */
  readonly certificate?: string;
  /** `tls.key`. */
  readonly key?: string;
  /** `auth`: users and passwords, as htpasswd writes them. */
  readonly auth?: string;
}

/** Judges a certificate and its key, PEM: the names that it is for, or why it cannot be used. */
export type InspectCertificate = (
  certificate: string,
  key: string,
) => { readonly names: readonly string[] } | { readonly problem: string };

/** The cluster as Ingresses see it; keys are `namespace/name`. */
export interface IngressWorld {
  readonly ingresses: readonly Ingress[];
  readonly classes: readonly IngressClass[];
  readonly services: ReadonlyMap<string, Service>;
  /** By the key of their Service. */
  readonly slices: ReadonlyMap<string, readonly SliceSpec[]>;
  readonly secrets: ReadonlyMap<string, SecretData>;
  /** Pods see the client itself: the proxy speaks in its name. */
  readonly keepClient?: boolean;
  /** What names of Services of type ExternalName stand for; the missing ones are being looked up. */
  readonly names?: ReadonlyMap<string, KnownName>;
  readonly inspectCertificate: InspectCertificate;
  /** Whether Ingresses without a class are served though the default class is not ours. */
  readonly withoutClass: boolean;
  /** Whether requests for hosts of `tls` that come without it are sent there, unless an annotation says; by default they are. */
  readonly redirectToTls?: boolean;
  /** Refused already, by the proxy itself, by `namespace/name` with the reason. */
  readonly rejected: ReadonlyMap<string, string>;
}
