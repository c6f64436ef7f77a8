import type { ImageContext, ImageProgram } from './image.ts';
import { DEFAULT_PATH } from './image.ts';
import type { ImageName } from './image-name.ts';
import { parseImageName } from './image-name.ts';
import { webProgram } from './web.ts';

/** The program that stands for `reference`. Every image maps to something, so nothing is ever pulled. */
export function resolveImage(reference: string, context: ImageContext): ImageProgram {
  const name = parseImageName(reference);
  const rule = RULES.find(({ matches }) => matches(name));
  return rule === undefined ? listener(context) : rule.program(context);
}

interface Rule {
  readonly matches: (name: ImageName) => boolean;
  readonly program: (context: ImageContext) => ImageProgram;
}

const named =
  (...bases: readonly string[]) =>
  ({ base }: ImageName): boolean =>
    bases.includes(base);

const web =
  (title: string, documentRoot: string, ports: readonly number[]) =>
  (context: ImageContext): ImageProgram =>
    webProgram({ title, documentRoot, ports }, context);

const RULES: readonly Rule[] = [
  { matches: ({ repository }) => repository === 'sluice-project/sluice', program: sluice },
  { matches: named('pause'), program: pause },
  { matches: named('coredns'), program: (context) => ownProgram('coredns', 'src/app/lab/dns/main.ts', context) },
  { matches: named('agnhost', 'netexec'), program: agnhost },
  { matches: named('nginx-unprivileged'), program: web('nginx', '/usr/share/nginx/html', [8080]) },
  { matches: named('nginx', 'nginx-slim', 'openresty'), program: web('nginx', '/usr/share/nginx/html', [80]) },
  { matches: named('httpd', 'apache'), program: web('httpd', '/usr/local/apache2/htdocs', [80]) },
  { matches: named('caddy'), program: web('caddy', '/usr/share/caddy', [80]) },
  { matches: named('whoami'), program: web('whoami', '/srv', [80]) },
  { matches: named('hello-app', 'echoserver', 'echo-server'), program: web('hello', '/srv', [8080]) },
  {
    matches: named('busybox', 'alpine', 'curl', 'netshoot', 'toolbox', 'network-multitool', 'wbitt'),
    program: (context) => shell('busybox', context),
  },
  {
    matches: named('debian', 'ubuntu', 'centos', 'fedora', 'rockylinux', 'amazonlinux', 'bash'),
    program: (context) => ({ ...shell('linux', context), path: DEFAULT_PATH, program: ['bash'] }),
  },
];

/** Images without an entrypoint: a shell, and the tools that busybox has before those of the host. */
function shell(kind: string, { applets }: ImageContext): ImageProgram {
  return {
    kind,
    program: ['sh'],
    argumentsAreCommand: true,
    fallBack: false,
    path: `${applets}:${DEFAULT_PATH}`,
    aliases: {},
    directories: [],
    files: {},
    needsCheckout: false,
    env: {},
  };
}

function pause({ busybox }: ImageContext): ImageProgram {
  return { ...EMPTY, kind: 'pause', program: [busybox, 'sleep', '2147483647'] };
}

function sluice(context: ImageContext): ImageProgram {
  // A small young generation: an agent keeps what it allocates or drops it at once.
  const command = [context.node, '--max-semi-space-size=4', `${context.repository}/src/cli/main.ts`];
  return {
    ...EMPTY,
    kind: 'sluice',
    program: command,
    fallBack: false,
    argumentsAreCommand: false,
    aliases: { sluice: command },
    needsCheckout: true,
    env: COMPILE_CACHE,
  };
}

function ownProgram(kind: string, file: string, context: ImageContext): ImageProgram {
  const program = [context.node, `${context.repository}/${file}`];
  return { ...EMPTY, kind, program, argumentsAreCommand: false, needsCheckout: true, env: COMPILE_CACHE };
}

function agnhost(context: ImageContext): ImageProgram {
  const own = ownProgram('agnhost', 'src/app/lab/images/programs/agnhost.ts', context);
  return { ...own, aliases: { '/agnhost': own.program, agnhost: own.program } };
}

/** Any other image: something that listens on every declared port, whatever the manifest wants to start in it. */
function listener(context: ImageContext): ImageProgram {
  const own = ownProgram('listener', 'src/app/lab/images/programs/listener.ts', context);
  const ports = context.ports.map(({ protocol, port }) => `${protocol.toLowerCase()}:${port}`);
  return { ...own, program: [...own.program, context.podName, ...ports], argumentsAreCommand: true };
}

const COMPILE_CACHE = { NODE_COMPILE_CACHE: '/sluice/cache' };

const EMPTY: Omit<ImageProgram, 'kind' | 'program'> = {
  argumentsAreCommand: false,
  fallBack: true,
  path: DEFAULT_PATH,
  aliases: {},
  directories: [],
  files: {},
  needsCheckout: false,
  env: {},
};
