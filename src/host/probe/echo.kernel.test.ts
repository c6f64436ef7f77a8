import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { PATH_MTU, echoContract } from './echo-contract.ts';
import { openEchoes } from './echo.ts';
import { narrowPath } from './narrow-path.test-support.ts';

const directory = enterPrivateNetwork();

echoContract('echo requests of the kernel', (router) =>
  openEchoes({ netns: narrowPath(mkdtempSync(join(directory!, 'path-')), PATH_MTU, router) }),
);
