import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { builtPlugin } from '../../../src/app/cni/plugin-executable.test-support.ts';

/** Debian's containernetworking-plugins. */
const UPSTREAM = '/usr/lib/cni';

/** Makes a folder of the upstream plugins and our built one, each as it is, but at home in a node's namespace. */
export function writePlugins(folder: string, netns: string): void {
  mkdirSync(folder);
  const write = (name: string, executable: string): void =>
    writeFileSync(`${folder}/${name}`, `#!/bin/sh\nexec nsenter --net=${netns} ${executable}\n`, { mode: 0o755 });
  for (const name of readdirSync(UPSTREAM)) write(name, `${UPSTREAM}/${name}`);
  write('sluice', builtPlugin());
}
