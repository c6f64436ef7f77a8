import { SluiceError } from '../../base/errors.ts';
import { parseIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { openDatastore } from '../../host/datastore/open-datastore.ts';
import { kubeBlockStore } from '../../host/ipam-store/kube-block-store.ts';
import { openCluster } from '../cluster.ts';
import type { Command } from '../command.ts';
import { check } from '../ipam/check.ts';
import { readIpamState } from '../ipam/read-state.ts';
import { release } from '../ipam/release.ts';
import { show } from '../ipam/show.ts';
import { KUBECONFIG, NAME, OUTPUT } from '../lab-options.ts';

/** `sluice ipam` */
export const command: Command = {
  meta: {
    description:
      'show: how full address pools and their blocks are, or who holds an address. ' +
      'check: everything that does not fit together (exit code 1 if there is something). ' +
      'release: give leaked addresses back.',
    examples: [
      'sluice ipam show --show-blocks',
      'sluice ipam show --ip 10.244.1.7',
      'sluice ipam check -o json > report.json',
      'sluice ipam release --from-report report.json',
    ],
  },
  args: {
    positionals: [{ name: '<action>', description: 'what to do', choices: ['show', 'check', 'release'] }],
    options: [
      NAME,
      KUBECONFIG,
      OUTPUT,
      { flags: '--ip <address>', description: 'show or release this address', repeatable: true },
      { flags: '--pool <name>', description: 'show only this pool, by its name or CIDR' },
      { flags: '--show-blocks', description: 'show the blocks of the pools, too' },
      { flags: '--show-borrowed', description: 'show addresses that nodes hold in blocks of others' },
      { flags: '--show-configuration', description: 'show the rules of IPAMConfig default' },
      {
        flags: '--from-report <file>',
        description: 'release what all these reports of check -o json call leaked, and what is so still',
        repeatable: true,
        completes: 'file',
      },
      { flags: '--force', description: 'release an address although a pod has it' },
    ],
  },
  run: async (invocation) => {
    const { values, print, note } = invocation;
    const action = invocation.arguments[0];
    const ips = (values['ip'] as readonly string[] | undefined)?.map(address) ?? [];
    const reports = (values['fromReport'] as readonly string[] | undefined) ?? [];
    const json = values['output'] === 'json';
    if (action === 'release' && ips.length + reports.length === 0)
      throw new SluiceError('bad-call', 'ipam release: say what to release with --ip or --from-report');
    if (action === 'show' && ips.length > 1) throw new SluiceError('bad-call', 'ipam show: one --ip at a time');
    using cluster = await openCluster(invocation);
    // Where the cluster keeps addresses in etcd, the environment says so as calicoctl's does.
    using datastore = await openDatastore(invocation.env, cluster.client, note);
    const { client } = datastore;
    const store = kubeBlockStore({ client, report: note });
    if (action === 'show') {
      const [blocks, borrowed, configuration] = ['showBlocks', 'showBorrowed', 'showConfiguration'].map(
        (name) => values[name] === true,
      );
      const pool = values['pool'] as string | undefined;
      const more = { blocks: blocks!, borrowed: borrowed!, configuration: configuration!, json };
      return await show({ pool, ip: ips[0], ...more }, store, print);
    }
    const state = await readIpamState(client, Date.now(), note);
    if (action === 'check') return check(state, json, print);
    return await release({ ips, reports, force: values['force'] === true }, { state, store, print });
  },
};

function address(text: string): Ip {
  const ip = parseIp(text);
  if (ip === undefined) throw new SluiceError('bad-address', `--ip: '${text}' is not an address`);
  return ip;
}
