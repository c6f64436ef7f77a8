import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { ApiError, badRequest } from '../../../core/objectstore/index.ts';

/** A request by either version of HTTP; both have the same interface as far as it is used. */
export type Request = IncomingMessage | Http2ServerRequest;
/** The part that both protocols' responses share; HTTP/2's follows HTTP/1's interface, with narrower overloads. */
export type Response = ServerResponse;

/** The real server's limit for a request body. */
const MAX_BODY = 3 * 1024 * 1024;

/** Reads a request's body. Too much is an ApiError. */
export async function readBytes(request: Request): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY) {
        throw new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY}`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    // The client went away in the middle of its body: nobody's fault here, and nobody reads the answer.
    throw error instanceof ApiError ? error : badRequest('the request was aborted');
  }
  return Buffer.concat(chunks);
}

/** Reads a request's body as text. */
export async function readText(request: Request): Promise<string> {
  return (await readBytes(request)).toString('utf8');
}

/** The media type of a request's body, without parameters. */
export function contentType(request: Request): string {
  return header(request, 'content-type').split(';')[0]!.trim();
}

/** One header's value, '' when absent. */
export function header(request: Request, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}

/** Sends a whole answer. */
export function send(response: Response, code: number, body: string | Buffer, type = 'application/json'): void {
  if (response.headersSent || response.writableEnded) return;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.setHeader('Content-Type', type);
  response.setHeader('Cache-Control', 'no-cache, private');
  response.setHeader('Content-Length', bytes.length);
  response.statusCode = code;
  response.end(bytes);
}

/** Adds one `Warning` header per text (RFC 7234 §5.5), which kubectl prints. */
export function addWarnings(response: Response, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  response.setHeader(
    'Warning',
    warnings.map((text) => `299 - "${text.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll(/[\r\n]/g, ' ')}"`),
  );
}

/** Parses a JSON body. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(`the object provided is unrecognized (must be of type JSON): ${String(error)}`);
  }
}
