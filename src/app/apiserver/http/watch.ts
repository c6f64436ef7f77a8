import {
  ApiError,
  apiVersionOf,
  asServed,
  bucketOf,
  parseRevision,
  seenThrough,
  selectionTest,
  servedJson,
  type ChangeEvent,
  type Entry,
} from '../../../core/objectstore/index.ts';
import type { Form } from './negotiate.ts';
import { formOf, partial, renderTable } from './render.ts';
import { selectionOf, type Call } from './call.ts';

/** How often a watcher that wants bookmarks gets one, in milliseconds. */
const BOOKMARK_INTERVAL = 30_000;
/** A watcher that lets this much pile up is cut off and has to start again. */
const MAX_BACKLOG = 64 * 1024 * 1024;
/** How long a watch lasts when the client does not say, in seconds. */
const DEFAULT_TIMEOUT = 1800;

/** Annotation of the bookmark that ends the initial events of a streaming list. */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/**
 * Streams the changes of a collection as JSON lines: the backlog since the client's resourceVersion (or everything, when
 * it has none), then live. Ends at the timeout; a version that is forgotten gives an ERROR event with code 410.
 */
export function serveWatch(call: Call): void {
  const { server, definition, query, response, info } = call;
  const { store } = server.api;
  const bucket = bucketOf(definition);
  const selection = selectionOf(call);
  const byName = info.name === '' ? selection : { ...selection, fieldSelector: `metadata.name=${info.name}` };
  const test = selectionTest(definition, byName);
  const stream = new WatchStream(call);
  const since = query.get('resourceVersion') ?? '';
  const streamsList = query.get('sendInitialEvents') === 'true';
  try {
    if (streamsList || since === '' || since === '0') {
      for (const entry of store.list(bucket, info.namespace)) if (test(entry.object)) stream.event('ADDED', entry);
      if (streamsList) stream.bookmark(store.revision, { [INITIAL_EVENTS_END]: 'true' });
    } else {
      for (const event of store.since(bucket, parseRevision(since))) stream.change(event, test);
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    stream.raw(`{"type":"ERROR","object":${JSON.stringify(error.status)}}\n`);
    stream.end();
    return;
  }
  const unsubscribe = store.subscribe(bucket, (event) => stream.change(event, test));
  const wantsBookmarks = query.get('allowWatchBookmarks') === 'true';
  const bookmarks = setInterval(() => wantsBookmarks && stream.bookmark(store.revision), BOOKMARK_INTERVAL);
  const seconds = Number(query.get('timeoutSeconds') ?? 0) || DEFAULT_TIMEOUT;
  const timeout = setTimeout(() => {
    if (wantsBookmarks) stream.bookmark(store.revision);
    stream.end();
  }, seconds * 1000);
  bookmarks.unref();
  timeout.unref();
  response.on('close', () => {
    unsubscribe();
    clearInterval(bookmarks);
    clearTimeout(timeout);
  });
}

/** Event lines in plain form, rendered once for all watchers of the same change. */
const lines = new WeakMap<Entry, Map<string, Buffer>>();

class WatchStream {
  readonly #call: Call;
  readonly #form: Form;
  #headersSent = false;

  constructor(call: Call) {
    this.#call = call;
    this.#form = formOf(call.request);
    const type = this.#form.kind === 'plain' ? 'application/json' : `application/json;stream=watch`;
    call.response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-cache, private' });
    call.response.flushHeaders();
  }

  change(event: ChangeEvent, test: Parameters<typeof seenThrough>[1]): void {
    const seen = seenThrough(event, test);
    if (seen !== undefined) this.event(seen.type, seen.entry);
  }

  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', entry: Entry): void {
    if (this.#form.kind === 'plain') return this.raw(this.#plainLine(type, entry));
    this.raw(`${JSON.stringify({ type, object: this.#formed(entry) })}\n`);
  }

  #plainLine(type: string, entry: Entry): Buffer {
    const { definition } = this.#call;
    const key = `${type} ${definition.version}`;
    const known = lines.get(entry) ?? new Map<string, Buffer>();
    lines.set(entry, known);
    const line = known.get(key) ?? Buffer.from(`{"type":"${type}","object":${servedJson(entry, definition)}}\n`);
    known.set(key, line);
    return line;
  }

  #formed(entry: Entry): object {
    const object = asServed(entry.object, this.#call.definition);
    if (this.#form.kind !== 'table') return partial(object, 'v1');
    const first = !this.#headersSent;
    this.#headersSent = true;
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    return renderTable(this.#call, [object], metadata, this.#form, first);
  }

  bookmark(revision: number, annotations?: Readonly<Record<string, string>>): void {
    const { kind } = this.#call.definition;
    const metadata = { resourceVersion: String(revision), ...(annotations === undefined ? {} : { annotations }) };
    const bare = {
      kind,
      apiVersion: apiVersionOf(this.#call.definition),
      metadata: { ...metadata, creationTimestamp: null },
    };
    const object =
      this.#form.kind === 'plain'
        ? bare
        : this.#form.kind === 'partial'
          ? { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
          : {
              kind: 'Table',
              apiVersion: `meta.k8s.io/${this.#form.version}`,
              metadata: { resourceVersion: String(revision) },
              columnDefinitions: null,
              rows: [{ cells: [], object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata } }],
            };
    this.raw(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  raw(line: string | Buffer): void {
    const response = this.#call.response;
    if (response.writableEnded || response.destroyed) return;
    if (response.writableLength > MAX_BACKLOG) response.destroy();
    else response.write(line);
  }

  end(): void {
    this.#call.response.end();
  }
}
