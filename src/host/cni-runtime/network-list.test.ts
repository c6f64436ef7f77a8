import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadNetworkList, parseNetworkList } from './network-list.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'sluice-netd-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: unknown): void {
  writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
}

describe('finding the network', () => {
  it('takes the first usable file in name order, whatever else lies there', () => {
    file('05-broken.conflist', '{');
    file('20-later.conflist', { name: 'later', cniVersion: '1.0.0', plugins: [{ type: 'x' }] });
    file('10-first.conflist', {
      name: 'first',
      cniVersion: '1.0.0',
      plugins: [{ type: 'sluice' }, { type: 'portmap' }],
    });
    file('00-readme.txt', 'not a network');
    expect(loadNetworkList(directory)).toMatchObject({
      name: 'first',
      plugins: [{ type: 'sluice' }, { type: 'portmap' }],
    });
  });

  it('is undefined while there is none, also without the directory', () => {
    expect(loadNetworkList(directory)).toBeUndefined();
    expect(loadNetworkList(join(directory, 'absent'))).toBeUndefined();
  });

  it('says what is wrong with every file when none is usable', () => {
    file('a.conflist', { cniVersion: '1.0.0', plugins: [{ type: 'x' }] });
    file('b.conflist', { name: 'n', plugins: [{ type: '../x' }] });
    expect(() => loadNetworkList(directory)).toThrow(/a\.conflist: name is missing.*b\.conflist: plugins\[0\]\.type/);
  });

  it('reads a single plugin as a chain of one', () => {
    const list = parseNetworkList('{"name":"n","cniVersion":"0.3.1","type":"bridge","bridge":"cni0"}');
    expect(list).toMatchObject({ cniVersion: '0.3.1', plugins: [{ type: 'bridge', bridge: 'cni0' }] });
  });
});
