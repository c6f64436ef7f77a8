import { readdirSync, readFileSync } from 'node:fs';
process.stdout.write(
  JSON.stringify([readdirSync('/'), readdirSync('/etc'), readFileSync('/proc/self/mounts', 'utf8').split('\n')]) + '\n',
);
setInterval(() => {}, 1000);
