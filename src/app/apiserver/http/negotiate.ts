/** In which form a client wants objects. */
export type Form =
  | { readonly kind: 'plain' }
  | { readonly kind: 'table'; readonly version: string }
  | { readonly kind: 'partial'; readonly version: string };

/** The first form in an Accept header that this server speaks; JSON when nothing is said. */
export function negotiate(accept: string): Form {
  for (const offer of accept.split(',')) {
    const [type, ...parameters] = offer
      .trim()
      .split(';')
      .map((each) => each.trim());
    const value = (name: string): string | undefined =>
      parameters.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
    const as = value('as');
    const version = value('v') ?? 'v1';
    if (type !== 'application/json') continue;
    if (as === undefined) return { kind: 'plain' };
    if (value('g') !== 'meta.k8s.io') continue;
    if (as === 'Table') return { kind: 'table', version };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { kind: 'partial', version };
  }
  return { kind: 'plain' };
}
