import { describe } from 'vitest';
import { enterPrivateNetwork } from '../netns/testing.ts';
import { sysctlContract } from './contract.ts';
import { openSysctl } from './sysctl.ts';

const allowed = enterPrivateNetwork() !== undefined;

describe.skipIf(!allowed)('the kernel', () => sysctlContract('kernel sysctl', () => openSysctl()));
