import { sysctlContract } from './contract.ts';
import { FakeSysctl } from './fake.ts';

sysctlContract('fake sysctl', () => new FakeSysctl({ 'net/ipv4/ip_forward': '0' }));
