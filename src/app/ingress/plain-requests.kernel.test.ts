import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { bareProxy, renderRules } from './bare-proxy.test-support.ts';
import type { Rule } from './bare-proxy.test-support.ts';
import { enterNetwork, PROXY } from './rig.test-support.ts';

const allowed = enterNetwork();

const RULES: readonly Rule[] = [
  { host: '', path: '/any', pathType: 'Prefix' },
  { host: 'a.test', path: '/', pathType: 'Prefix' },
  { host: 'a.test', path: '/x', pathType: 'Exact' },
  { host: 'a.test', path: '/x', pathType: 'Prefix' },
  { host: 'a.test', path: '/x/y', pathType: 'Prefix' },
  { host: 'b.test', path: '/only', pathType: 'Prefix' },
  { host: '*.test', path: '/', pathType: 'Prefix' },
  { host: 'c.test', path: '/p', pathType: 'Prefix' },
  { host: 'c.test', path: '/r[0-9]+', pathType: 'ImplementationSpecific', annotations: { 'use-regex': 'true' } },
  { host: 'd.test', path: '/', pathType: 'Prefix' },
  { host: 'd.test', path: '/', pathType: 'Prefix', annotations: { canary: 'true', 'canary-by-header': 'x-canary' } },
];
const HOSTS: readonly string[] = [
  '',
  ...'a.test b.test c.test d.test x.test x.y.test A.Test a.test. a.test:80 *.test'.split(' '),
  ...'a.test,b.test b.test,a.test a.test/x a.test/ / b.test/only a.test/,a.test a.test#'.split(' '),
];
const PATHS: readonly string[] = [
  ...'/ /x /x/ /x/y /x/y/z /x/yz /X /any /anyway /only/ /r12 /p/q /a.b /x.'.split(' '),
  ...'/%78 /x%2fy //x /x//y /x/y// /x/./y /x/.. /.. /x/.y /x/%2e%2e/only /x?y=/../ * /x#y /x/y#'.split(' '),
  ...'http://a.test/x http://b.test/only http://a.test'.split(' '),
  `/x/y${'/z'.repeat(3000)}`,
];

it.runIf(allowed)('answers requests found at once as those that are looked for the long way', async () => {
  await using proxy = await bareProxy();
  const files = renderRules(RULES, proxy.options);
  const config = files.get('haproxy.cfg')!;
  const longWay = config.replaceAll(/^ +http-request allow .*\n/gm, '');
  expect(longWay).not.toBe(config);
  await proxy.haproxy.load(files);
  const answers = await askAll();
  await proxy.haproxy.load(new Map([...files, ['haproxy.cfg', longWay]]));
  expect(answers).toEqual(await askAll());
  expect(new Set(answers.map(({ answer }) => answer)).size).toBeGreaterThan(RULES.length);
});

async function askAll(): Promise<readonly { readonly request: string; readonly answer: string }[]> {
  const requests = HOSTS.flatMap((host) => PATHS.map((path) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n`));
  const own = [
    'GET /x HTTP/1.0\r\n',
    'GET /any HTTP/1.0\r\n',
    'GET / HTTP/1.1\r\nHost: d.test\r\nX-Canary: always\r\n',
  ];
  const all: { request: string; answer: string }[] = [];
  for (const request of [...requests, ...own]) all.push({ request, answer: await answerTo(`${request}\r\n`) });
  return all;
}

/** Status and location. Written as it is: no client would send some of it. */
function answerTo(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(80, PROXY, () => socket.write(request, 'latin1'));
    socket
      .on('data', (piece) => {
        text += piece.toString('latin1');
        if (text.includes('\r\n\r\n')) socket.destroy();
      })
      .once('error', reject)
      .once('close', () => resolve(`${/ \d+/.exec(text)?.[0]} ${/location: \S+/i.exec(text)?.[0]}`));
  });
}
