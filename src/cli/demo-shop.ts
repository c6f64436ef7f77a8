import { existsSync } from 'node:fs';
import { SluiceError } from '../base/errors.ts';
import type { Ingress } from '../core/kube/types.ts';
import { INGRESSES } from '../host/kube-client/resources.ts';
import { pause } from '../host/kube-client/pause.ts';
import { mustSucceed, quote, show, why } from './demo-stage.ts';
import type { Stage } from './demo-stage.ts';

/** What only the shop needs, and where Debian has it: the proxy, and the customer's program. */
const PROGRAMS = [
  ['haproxy', '/usr/sbin/haproxy'],
  ['curl', '/usr/bin/curl'],
] as const;
const HOST = 'shop.example.test';
/** How long the shop may take to open, milliseconds, and how often it is looked at. */
const PATIENCE = 60_000;
const INTERVAL = 100;

/** A shop behind an Ingress: what customers outside reach, what nobody reaches, and why. Left out where its programs are not installed. */
export async function runShop(stage: Stage): Promise<void> {
  const { print, kubectl } = stage;
  const missing = PROGRAMS.filter(([, path]) => !existsSync(path)).map(([name]) => name);
  if (missing.length > 0) {
    print(`\nThe shop behind an Ingress is left out, as this machine has no ${missing.join(' and no ')}.`);
    return;
  }
  print('\nNow a shop: a front end, an API and a database, their policies, and an Ingress for customers outside.\n');
  await show(stage, ['apply', '-f', stage.path('deploy/sluice-ingress.yaml'), '-f', stage.path('examples/shop')]);
  await mustSucceed(kubectl, [
    'wait',
    '--for=condition=Available',
    'deployment',
    '--all',
    '-n',
    'shop',
    '--timeout=60s',
  ]);
  await mustSucceed(kubectl, ['rollout', 'status', 'daemonset/sluice-ingress', '-n', 'kube-system', '--timeout=60s']);
  const address = await shownAddress(stage);
  await show(stage, ['get', 'ingress', '-n', 'shop']);

  print('\nA customer on the host outside of the cluster:\n');
  for (const path of ['/', '/api/']) await visit(stage, address, path);

  print('\nThe front end itself asks for the API, and in vain for the database:\n');
  for (const [target, port] of [
    ['api', 80],
    ['database', 5432],
  ] as const) {
    const tried = `echo hello | busybox nc -w 1 ${target} ${port} >/dev/null`;
    const script = `${tried} && echo "${target} answers" || echo "no answer from ${target}"`;
    await show(stage, ['exec', '-n', 'shop', 'deploy/front', '--', 'sh', '-c', script]);
  }

  print('\nWhy:\n');
  await why(stage, ['203.0.113.10', `http://${HOST}/api/`]);
  await why(stage, ['shop/deployment/front', 'shop/service/database', '--port', 'postgres']);
}

/** Waits until the Ingress shows where it is served, and is: an IPv4 address where it has one. */
async function shownAddress({ client, lab }: Stage): Promise<string> {
  const never = new AbortController().signal;
  for (let waited = 0; waited < PATIENCE; waited += INTERVAL) {
    const shown = await client.get<Ingress & { readonly metadata: object }>(INGRESSES, {
      namespace: 'shop',
      name: 'shop-api',
    });
    const addresses = (shown.status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip);
    const address = addresses.find((each) => !each.includes(':')) ?? addresses[0];
    if (address !== undefined) {
      const { code } = await lab.request({ op: 'exec', at: OUTSIDE, command: ask(address, '/api/') });
      if (code === 0) return address;
    }
    await pause(INTERVAL, never);
  }
  throw new SluiceError('demo-failed', `Ingress shop-api is not served after ${PATIENCE / 1000} s`);
}

const OUTSIDE = { kind: 'outside' } as const;

/** Names need no DNS this way. */
function ask(address: string, path: string): string[] {
  const to = address.includes(':') ? `[${address}]` : address;
  return ['curl', '-sf', '--resolve', `${HOST}:80:${to}`, `http://${HOST}${path}`];
}

/** A request from outside, and what it is answered. */
async function visit({ lab, print }: Stage, address: string, path: string): Promise<void> {
  const command = ask(address, path);
  print(`$ ${command.map(quote).join(' ')}`);
  const { stdout, stderr } = await lab.request({ op: 'exec', at: OUTSIDE, command });
  const text = `${stdout}${stderr}`.trimEnd();
  if (text !== '') print(text);
}
