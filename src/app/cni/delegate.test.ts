import { expect, it } from 'vitest';
import type { CniRequest } from '../../core/cni/protocol.ts';
import { runPlugin } from './plugin.ts';
import type { AgentAnswer, PluginDependencies } from './plugin.ts';

const CONFIG = {
  cniVersion: '1.0.0',
  name: 'k8s-pod-network',
  type: 'sluice',
  ipam: { type: 'host-local', subnet: 'usePodCidr' },
};
const LEASE = { cniVersion: '1.0.0', ips: [{ address: '10.244.3.5/24' }] };

/** What happened, in order, and what the plugin printed. */
async function call(
  command: string,
  answer: (request: CniRequest) => object | 'down',
  ipam: { readonly exitCode: number; readonly stdout: string } = { exitCode: 0, stdout: JSON.stringify(LEASE) },
  config: object = CONFIG,
) {
  const events: string[] = [];
  const requests: CniRequest[] = [];
  const dependencies: PluginDependencies = {
    askAgent: (_socket, line): Promise<AgentAnswer> => {
      const request = JSON.parse(line) as CniRequest;
      events.push(`agent ${request.command}`);
      requests.push(request);
      const reply = answer(request);
      if (reply === 'down') return Promise.resolve({ kind: 'down', reason: 'refused' });
      return Promise.resolve({ kind: 'reply', line: JSON.stringify(reply) });
    },
    leaveTombstone: () => {
      events.push('note');
      return () => events.push('note taken back');
    },
    runIpam: (type, path, verb, stdin) => {
      const { ipam: filled } = JSON.parse(stdin) as typeof CONFIG;
      events.push(`${path}/${type} ${verb} ${filled.subnet}`);
      return ipam;
    },
  };
  const env = { CNI_COMMAND: command, CNI_CONTAINERID: 'c1', CNI_NETNS: '/n', CNI_IFNAME: 'eth0', CNI_PATH: '/bin' };
  const { stdout, exitCode } = await runPlugin(env, () => JSON.stringify(config), dependencies);
  return { events, requests, exitCode, printed: stdout === '' ? undefined : (JSON.parse(stdout) as { msg?: string }) };
}

const ranges = ['10.244.3.0/24'];
const answers = (request: CniRequest): object => ({ ok: request.command === 'IPAM' ? ranges : null });
const ERROR = { error: { cniVersion: '1.0.0', code: 11, msg: 'the agent is not ready' } };

it('gets an address in the range of the node before the agent wires the pod with it', async () => {
  const { events, requests, exitCode } = await call('ADD', answers);
  expect(events).toEqual(['agent IPAM', '/bin/host-local ADD 10.244.3.0/24', 'agent ADD']);
  expect(requests[1]!.config['ipamResult']).toEqual(LEASE);
  expect(exitCode).toBe(0);
});

it('gives the address back when the agent cannot wire the pod', async () => {
  const { events, exitCode, printed } = await call('ADD', (request) =>
    request.command === 'IPAM' ? { ok: ranges } : ERROR,
  );
  expect(events.slice(2)).toEqual(['agent ADD', '/bin/host-local DEL 0.0.0.0/0']);
  expect({ exitCode, msg: printed?.msg }).toEqual({ exitCode: 1, msg: 'the agent is not ready' });
});

it('leaves addresses to an agent that gives them out itself', async () => {
  const { events, requests } = await call('ADD', () => ({ ok: null }));
  expect(events).toEqual(['agent IPAM', 'agent ADD']);
  expect(requests[1]!.config).toEqual(CONFIG);
});

it('gives the address back after the link has gone, also with a note for an agent that is away', async () => {
  expect((await call('DEL', answers)).events).toEqual(['agent DEL', '/bin/host-local DEL 0.0.0.0/0']);
  const { events, exitCode } = await call('DEL', () => 'down');
  expect(events).toEqual(['agent DEL', 'note', 'agent DEL', '/bin/host-local DEL 0.0.0.0/0']);
  expect(exitCode).toBe(0);
  // What still has its link keeps its address.
  expect((await call('DEL', () => ERROR)).events).toEqual(['agent DEL']);
});

it('needs no other plugin to give back what the agent has given out', async () => {
  const missing = { exitCode: 127, stdout: '' };
  expect((await call('DEL', () => ({ ok: null }), missing)).exitCode).toBe(0);
  expect((await call('DEL', answers, missing)).exitCode).toBe(1);
  expect((await call('DEL', () => 'down', missing)).exitCode).toBe(1);
});

it.each(['GC', 'STATUS'])('asks both at %s', async (command) => {
  const config = { ...CONFIG, cniVersion: '1.1.0', 'cni.dev/valid-attachments': [] };
  const delegated = [`agent ${command}`, 'agent IPAM', `/bin/host-local ${command} 10.244.3.0/24`];
  expect((await call(command, answers, undefined, config)).events).toEqual(delegated);
  const bad = { exitCode: 1, stdout: JSON.stringify({ code: 999, msg: 'the disk is full' }) };
  const { exitCode, printed } = await call(command, answers, bad, config);
  expect({ exitCode, msg: printed?.msg }).toEqual({ exitCode: 1, msg: `ipam host-local ${command}: the disk is full` });
  expect((await call(command, () => ({ ok: null }), undefined, config)).events).toEqual(delegated.slice(0, 2));
  expect((await call(command, () => ERROR, undefined, config)).events).toEqual(delegated.slice(0, 1));
});

it('asks both at CHECK', async () => {
  const { events } = await call('CHECK', answers);
  expect(events).toEqual(['agent IPAM', '/bin/host-local CHECK 10.244.3.0/24', 'agent CHECK']);
});

it("passes on the plugin's own complaint, and asks nothing of an agent that is away", async () => {
  const full = { exitCode: 1, stdout: JSON.stringify({ code: 999, msg: 'no IP addresses available in range set' }) };
  const { events, printed } = await call('ADD', answers, full);
  // The specification has a delegated plugin that failed clean up before the failure is told.
  expect(events).toEqual(['agent IPAM', '/bin/host-local ADD 10.244.3.0/24', '/bin/host-local DEL 0.0.0.0/0']);
  expect(printed?.msg).toBe('ipam host-local ADD: no IP addresses available in range set');
  const killed = await call('ADD', answers, { exitCode: 137, stdout: '' });
  expect(killed.printed?.msg).toBe('ipam host-local ADD: it ended with exit code 137');
  const away = await call('ADD', () => 'down');
  expect({ events: away.events, exitCode: away.exitCode }).toEqual({ events: ['agent IPAM'], exitCode: 1 });
});
