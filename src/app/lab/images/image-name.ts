/** An image reference in its parts; `docker.io/library/` is left out as in everyday use. */
export interface ImageName {
  /** Without registry, tag and digest: `nginx`, `bitnami/redis`. */
  readonly repository: string;
  /** The last part of the repository. */
  readonly base: string;
  readonly registry: string;
  readonly tag: string;
}

/** Splits a reference as `docker pull` reads it (distribution/reference grammar). */
export function parseImageName(reference: string): ImageName {
  const [withoutDigest = ''] = reference.split('@', 1);
  const slash = withoutDigest.indexOf('/');
  const first = slash === -1 ? '' : withoutDigest.slice(0, slash);
  const hasRegistry = first === 'localhost' || /[.:]/.test(first);
  const registry = hasRegistry ? first : 'docker.io';
  const rest = hasRegistry ? withoutDigest.slice(slash + 1) : withoutDigest;
  const colon = rest.lastIndexOf(':');
  const path = colon > rest.lastIndexOf('/') ? rest.slice(0, colon) : rest;
  const tag = path.length === rest.length ? 'latest' : rest.slice(colon + 1);
  const repository = path.replace(/^library\//, '');
  return { repository, base: repository.slice(repository.lastIndexOf('/') + 1), registry, tag };
}
