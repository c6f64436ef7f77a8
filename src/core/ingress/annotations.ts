import type { Draft } from './annotation-draft.ts';
import { ANNOTATION_READERS } from './annotation-readers.ts';
import { PLAIN_SETTINGS } from './settings.ts';

/** Prefixes under which annotations are read; a name under the first one counts more. */
const PREFIXES = ['ingress.sluice.dev/', 'nginx.ingress.kubernetes.io/'] as const;

/**
 * Annotations that restrict who may do what, or that replace the configuration, and that are not supported. To ignore one
 * would serve what its author did not mean to.
 */
const NOT_TO_IGNORE =
  /^(auth-.+|configuration-snippet|server-snippet|stream-snippet|modsecurity-.+|enable-modsecurity|enable-owasp-core-rules|global-rate-limit.*|satisfy|ssl-passthrough|enable-global-auth|limit-whitelist|proxy-ssl-.+|canary-by-header-pattern|from-to-www-redirect|default-backend|custom-http-errors|mirror-target)$/;

/** What the annotations of one Ingress say. */
export interface AnnotationReading {
  readonly draft: Draft;
  /** Each makes the Ingress refused. */
  readonly problems: readonly string[];
  /** Names that have no effect here. */
  readonly ignored: readonly string[];
}

/** Reads all annotations that are for an ingress controller. */
export function readAnnotations(annotations: Readonly<Record<string, string>>): AnnotationReading {
  const draft: Draft = { settings: { ...PLAIN_SETTINGS }, cookie: {}, corsValues: {}, canary: {} };
  const problems: string[] = [];
  const ignored: string[] = [];
  for (const [name, key, text] of entriesOf(annotations)) {
    // Whatever it was to mean: a line break has no place in a configuration or a header.
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    if (/[\u0000-\u001f\u007f]/.test(text) && !NOT_TO_IGNORE.test(name)) {
      problems.push(`annotation ${key} contains a control character`);
      continue;
    }
    const read = ANNOTATION_READERS[name];
    const problem =
      read?.(text, draft) ?? (read === undefined && NOT_TO_IGNORE.test(name) ? 'is not supported' : undefined);
    if (problem !== undefined) problems.push(`annotation ${key} ${problem}`);
    else if (read === undefined) ignored.push(key);
  }
  return { draft, problems, ignored };
}

function entriesOf(annotations: Readonly<Record<string, string>>): [name: string, key: string, text: string][] {
  const found = new Map<string, [string, string, string]>();
  for (const prefix of PREFIXES)
    for (const key of Object.keys(annotations).sort()) {
      const name = key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
      if (name !== undefined && !found.has(name)) found.set(name, [name, key, annotations[key]!]);
    }
  return [...found.values()];
}
