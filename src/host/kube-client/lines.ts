/**
 * Splits a stream of text chunks at line feeds and yields each complete line, without it; a last line without one is
 * yielded at the end. Work is linear in the input even when a line spans many chunks.
 */
export async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let open: string[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      const line = chunk.slice(start, end);
      start = end + 1;
      if (open.length === 0) yield line;
      else {
        open.push(line);
        yield open.join('');
        open = [];
      }
    }
    if (start < chunk.length) open.push(chunk.slice(start));
  }
  if (open.length > 0) yield open.join('');
}
