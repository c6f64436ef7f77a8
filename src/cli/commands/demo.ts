import { fileURLToPath } from 'node:url';
import { join, relative } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import { openLab, stopLab } from '../../app/lab/lab.ts';
import type { RunningLab } from '../../app/lab/lab-types.ts';
import { httpKubeClient } from '../../host/kube-client/http-client.ts';
import { loadKubeconfig } from '../../host/kube-client/kubeconfig.ts';
import type { Command, Invocation } from '../command.ts';
import { runScenario } from '../demo-scenario.ts';
import { kubectlFor } from '../kubectl.ts';
import { runShop } from '../demo-shop.ts';
import type { Stage } from '../demo-stage.ts';
import { LANGUAGE } from '../language.ts';
import { parseCall } from '../program.ts';
import { labOptionsOf, startCluster } from '../start-cluster.ts';
import { SHAPE } from './up.ts';

const NAME = 'demo';
/** The checkout. */
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** `sluice demo` */
export const command: Command = {
  meta: {
    description:
      "Starts a cluster named 'demo', runs pods and a NetworkPolicy in it with your kubectl, shows with real packets what the\n" +
      'policy changed and which rule decides, opens a small shop to customers by an Ingress (which needs haproxy and curl), and\n' +
      'takes everything down again.',
  },
  args: {
    positionals: [],
    options: [...SHAPE, { flags: '--keep', description: 'leave the cluster running at the end' }, LANGUAGE],
  },
  run: async (invocation) => {
    const { values, env, uid, print } = invocation;
    const started = performance.now();
    const environment = { env, uid };
    // A demo that was interrupted may have left its cluster; this one starts from nothing.
    await stopLab(NAME, environment);
    const abandon = (): void => void stopLab(NAME, environment);
    invocation.signal.addEventListener('abort', abandon, { once: true });
    try {
      const lab = await start(invocation);
      const client = httpKubeClient(await loadKubeconfig(lab.paths.kubeconfig));
      try {
        const stage: Stage = {
          lab,
          client,
          kubectl: kubectlFor(lab.paths.kubeconfig, env),
          path: (file) => relative('.', join(ROOT, file)),
          why: (args) => why(args, invocation),
          print,
        };
        await runScenario(stage);
        await runShop(stage);
      } finally {
        client.close();
      }
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (values['keep'] === true) print(`\nDone in ${seconds} s. It stays: export KUBECONFIG=${lab.paths.kubeconfig}`);
      else print(`\nDone in ${seconds} s; taking the cluster down. 'sluice up' starts one that stays.`);
      return 0;
    } finally {
      invocation.signal.removeEventListener('abort', abandon);
      if (values['keep'] !== true) await stopLab(NAME, environment);
    }
  },
};

/** Runs `sluice why` about this cluster, in this process. */
async function why(args: readonly string[], invocation: Invocation): Promise<number> {
  const { print, note, values } = invocation;
  const language = values['lang'] === undefined ? [] : ['--lang', String(values['lang'])];
  const entry = { name: 'why', summary: '', load: () => import('./why.ts') };
  const call = await parseCall(['why', ...args, '--name', NAME, ...language], [entry], '', { out: print, err: note });
  return call.command.run({ ...invocation, arguments: call.arguments, values: call.values });
}

async function start(invocation: Invocation): Promise<RunningLab> {
  const { values, env, uid, print } = invocation;
  const options = labOptionsOf({ ...values, name: NAME });
  print(`Starting a cluster of ${options.nodes} nodes on this machine (${options.backend}, ${options.ipFamily}) …`);
  const { phases } = await startCluster(options, invocation, () => undefined);
  const total = Math.max(0, ...phases.map(({ milliseconds }) => milliseconds));
  print(`All nodes are ready after ${(total / 1000).toFixed(1)} s.`);
  const lab = await openLab(NAME, { env, uid });
  if (lab === undefined) throw new SluiceError('start-failed', `cluster '${NAME}' ended right after its start`);
  return lab;
}
