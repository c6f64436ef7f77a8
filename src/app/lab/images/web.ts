import type { ImageContext, ImageProgram } from './image.ts';
import { DEFAULT_PATH } from './image.ts';

/** A web server's image: where it finds its pages and on which ports it listens. */
export interface WebServer {
  readonly title: string;
  readonly documentRoot: string;
  readonly ports: readonly number[];
}

/** A small, real web server (busybox httpd) with the pages that the image would serve and an access log on stdout. */
export function webProgram(server: WebServer, context: ImageContext): ImageProgram {
  const { title, documentRoot } = server;
  const { busybox, podName, podNamespace } = context;
  const page = `<!DOCTYPE html>
<html>
<head><title>Welcome to ${title}!</title></head>
<body>
<h1>Welcome to ${title}!</h1>
<p>pod ${podNamespace}/${podName}</p>
</body>
</html>
`;
  const servers = server.ports.map((port) => `"$b" httpd -f -vv -p ${port} -h ${documentRoot} 2>&1 | log & `);
  return {
    kind: title,
    program: [busybox, 'sh', '-c', `b=${busybox}\n${ACCESS_LOG}\n${servers.join('')}wait`],
    argumentsAreCommand: true,
    fallBack: true,
    path: DEFAULT_PATH,
    aliases: {},
    directories: [documentRoot, `/etc/${title}/conf.d`, `/var/log/${title}`],
    files: { [`${documentRoot}/index.html`]: page, [`${documentRoot}/50x.html`]: page },
    needsCheckout: false,
    env: {},
  };
}

/** Turns httpd's two lines per request (`client: url:/x`, `client: response:200`) into one of the common log format. */
const ACCESS_LOG = `log() { exec "$b" awk '{
  i = index($0, ": "); client = substr($0, 1, i - 1); what = substr($0, i + 2)
  if (what ~ /^url:/) { url[client] = substr(what, 5); next }
  if (what ~ /^response:/) {
    host = client; sub(/:[0-9]+$/, "", host); gsub(/[][]/, "", host); sub(/^::ffff:/, "", host)
    printf "%s - - [%s] \\"GET %s HTTP/1.1\\" %s -\\n", host, strftime("%d/%b/%Y:%H:%M:%S +0000", systime(), 1), url[client], substr(what, 10)
    delete url[client]; fflush(); next
  }
  print; fflush()
}'; }`;
