import { nftablesContract } from './contract.ts';
import { FakeNftables } from './fake.ts';

nftablesContract('fake nftables', () => new FakeNftables());
