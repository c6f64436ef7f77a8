import { describeKubeClient } from './contract.ts';
import { MemoryKubeClient } from './memory-client.ts';

describeKubeClient('the fake', () => Promise.resolve({ client: new MemoryKubeClient(), close: () => undefined }));
