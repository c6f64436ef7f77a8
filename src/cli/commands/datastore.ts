import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { SluiceError } from '../../base/errors.ts';
import { formatExport, parseExport, sumsOf } from '../../core/datastore/index.ts';
import type { ExportFile, Sum } from '../../core/datastore/index.ts';
import { exportDatastore, importDatastore, isLocked, setLocked } from '../../host/datastore/migration.ts';
import { datastoreType, openEtcd } from '../../host/datastore/open-datastore.ts';
import type { Datastore } from '../../host/datastore/open-datastore.ts';
import { openCluster } from '../cluster.ts';
import type { Command, Invocation } from '../command.ts';
import { fileProblem } from '../file-problem.ts';
import { KUBECONFIG, NAME } from '../lab-options.ts';
import { table } from '../table.ts';

const VERBS = { lock, unlock, export: exportTo, import: importFrom } as const;

/** What is not empty in neither file nor datastore. */
type Sums = Readonly<Record<string, Sum>>;

/** `sluice datastore migrate` */
export const command: Command = {
  meta: {
    description: [
      "Moves what Calico's kinds hold between the Kubernetes API and etcd, with the verbs and the file format of calicoctl.",
      'Lock the old datastore, export it, import the file into the new one (which is locked by that), let agents and controllers use the new one, unlock it.',
      'While a datastore is locked, running pods go on as they are and new pods wait.',
      'etcd is found by ETCD_ENDPOINTS, ETCD_CA_CERT_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE, ETCD_USERNAME and ETCD_PASSWORD.',
    ].join(' '),
    examples: [
      'sluice datastore migrate lock',
      'sluice datastore migrate export > calico.export',
      'ETCD_ENDPOINTS=https://10.0.0.1:2379 sluice datastore migrate import -f calico.export --datastore etcdv3',
      'ETCD_ENDPOINTS=https://10.0.0.1:2379 sluice datastore migrate unlock --datastore etcdv3',
    ],
  },
  args: {
    positionals: [
      { name: '<subject>', description: 'what to do with a datastore', choices: ['migrate'] },
      { name: '<verb>', description: 'which step of it', choices: Object.keys(VERBS) },
    ],
    options: [
      { flags: '-f, --filename <file>', description: 'import: what export has printed, or - for standard input' },
      {
        flags: '--datastore <type>',
        description: 'which datastore; DATASTORE_TYPE unless given, and kubernetes without that',
        choices: ['kubernetes', 'etcdv3'],
      },
      NAME,
      KUBECONFIG,
    ],
  },
  run: async (invocation) => {
    const { values, env, note } = invocation;
    const verb = VERBS[invocation.arguments[1] as keyof typeof VERBS];
    const type = datastoreType((values['datastore'] as string | undefined) ?? env['DATASTORE_TYPE']);
    if (type === 'etcdv3') {
      using etcd = await openEtcd(env, { heedsLock: false, report: note });
      return await verb(etcd, invocation);
    }
    using cluster = await openCluster({ ...invocation, env: { ...env, DATASTORE_TYPE: type } });
    return await verb({ type, client: cluster.client }, invocation);
  },
};

type Place = Pick<Datastore, 'type' | 'client'>;

const TITLE = { kubernetes: 'the Kubernetes API', etcdv3: 'etcd' } as const;

async function lock({ client, type }: Place, { note }: Invocation): Promise<number> {
  const changed = await setLocked(client, true);
  note(`${TITLE[type]} ${changed ? 'is locked' : 'was locked already'}: nothing is written until it is unlocked`);
  return 0;
}

async function unlock({ client, type }: Place, { note }: Invocation): Promise<number> {
  const changed = await setLocked(client, false);
  note(`${TITLE[type]} ${changed ? 'is unlocked' : 'was not locked'}`);
  return 0;
}

async function exportTo({ client }: Place, { print, note }: Invocation): Promise<number> {
  const file = await exportDatastore(client);
  print(formatExport(file).trimEnd());
  note(sumTable(sumsOf(file.contents)));
  return 0;
}

async function importFrom(datastore: Place, { values, note }: Invocation): Promise<number> {
  const file = await readExport(values['filename'] as string | undefined);
  assertWhole(file);
  if (!(await isLocked(datastore.client))) note(`locking ${TITLE[datastore.type]}`);
  for (const [kind, count] of file.left)
    note(`left out: ${count} of kind ${kind}, which Sluice takes from Kubernetes or does not know`);
  const { created, present, sums } = await importDatastore(datastore.client, file);
  note(sumTable(sums));
  note(
    `${created} created, ${present} there already, all as in the file. Let agents and controllers use ${TITLE[datastore.type]}, then unlock it.`,
  );
  return 0;
}

async function readExport(path: string | undefined): Promise<ExportFile> {
  if (path === undefined) throw new SluiceError('bad-input', 'import needs -f with the file that export has printed');
  try {
    return parseExport(path === '-' ? await text(process.stdin) : await readFile(path, 'utf8'));
  } catch (error) {
    throw new SluiceError('bad-input', `${path === '-' ? 'standard input' : path}: ${fileProblem(error)}`, {}, error);
  }
}

/** A file that was cut off or edited is not imported: it might have lost addresses that are in use. */
function assertWhole({ contents, sums }: ExportFile): void {
  if (sums === undefined) return;
  const found = sumsOf(contents);
  const wrong = [...new Set([...Object.keys(sums), ...Object.keys(found)])].filter(
    (plural) => sums[plural]?.sha256 !== found[plural]?.sha256,
  );
  if (wrong.length > 0)
    throw new SluiceError(
      'bad-input',
      `the file is not as it was exported: ${wrong.map((plural) => `${plural} (${found[plural]?.count ?? 0} of ${sums[plural]?.count ?? 0})`).join(', ')}. To import an edited file all the same, remove its line '# sums:'`,
    );
}

function sumTable(sums: Sums): string {
  const rows = Object.entries(sums).map(([plural, { count, sha256 }]) => [plural, String(count), sha256.slice(0, 16)]);
  return rows.length === 0 ? 'The datastore is empty.' : table(['KIND', 'COUNT', 'SHA-256'], rows);
}
