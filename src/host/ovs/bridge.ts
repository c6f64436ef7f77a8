import { formatIp } from '../../base/ip/index.ts';
import type { Ip } from '../../base/ip/index.ts';
import { transact } from './ovsdb.ts';
import type { OvsdbOperation, OvsdbRow, OvsdbValue } from './ovsdb.ts';

/** Where Open vSwitch forwards: in the kernel's module, or in ovs-vswitchd itself. */
export type Datapath = 'system' | 'netdev';

/** A bridge with its own device and one port into the tunnels to all peers. */
export interface BridgeSettings {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly datapath: Datapath;
  /** A tunnel of Open vSwitch's own, of which flows say the far end; or a device that there is. */
  readonly uplink:
    | { readonly kind: 'vxlan'; readonly name: string; readonly vni: number; readonly port: number; readonly local: Ip }
    | { readonly kind: 'device'; readonly name: string };
}

/** OpenFlow number of the port into the tunnels. */
export const UPLINK_PORT = 1;
/** The table of one row from which everything hangs. */
const ROOT = 'Open_vSwitch';
/** By what Sluice knows the bridges that it made, and how it made them. */
const SETTINGS_KEY = 'sluice-settings';
/** How long ovs-vswitchd may take to do what the database says, milliseconds. */
const PATIENCE = 4000;

/** Datapaths that the switch behind the database can use, once ovs-vswitchd has said so. */
export function datapathsOf(database: string): readonly Datapath[] {
  const columns = ['datapath_types'];
  const [{ rows: [root] = [] } = {}] = transact(database, [{ op: 'select', table: ROOT, where: [], columns }]);
  // A new database is empty, and ovs-vswitchd waits until somebody has put this row into it.
  if (root === undefined) transact(database, [{ op: 'insert', table: ROOT, row: {} }]);
  const none = { until: '!=', columns, rows: [{ datapath_types: ['set', []] }] };
  transact(database, [{ op: 'wait', timeout: PATIENCE, table: ROOT, where: [], ...none }]);
  const [{ rows: [row] = [] } = {}] = transact(database, [{ op: 'select', table: ROOT, where: [], columns }]);
  const types = setOf(row?.['datapath_types']);
  return (['system', 'netdev'] as const).filter((type) => types.includes(type));
}

/** Makes the bridge, or anew where it is another; one that is there already goes on undisturbed. Waits until it works. */
export function ensureBridge(database: string, settings: BridgeSettings): void {
  const { name, mtu } = settings;
  const wanted = JSON.stringify(rowsOf({ ...settings, mtu: 0 }));
  const existing = findBridge(database, name);
  if (existing !== undefined && externalIdOf(existing) === wanted) {
    const row = { mtu_request: mtu };
    return change(database, [{ op: 'update', table: 'Interface', where: [['name', '==', name]], row }]);
  }
  if (existing !== undefined) deleteBridge(database, settings.name);
  change(database, creation(settings, wanted));
}

/** Removes the bridge and its ports, if it is there. Waits until it is gone. */
export function deleteBridge(database: string, name: string): void {
  const existing = findBridge(database, name);
  if (existing === undefined) return;
  const uuid = existing['_uuid']!;
  change(database, [{ op: 'mutate', table: ROOT, where: [], mutations: [['bridges', 'delete', uuid]] }]);
}

function creation(settings: BridgeSettings, wanted: string): readonly OvsdbOperation[] {
  const { name, mac, datapath } = settings;
  const { own, uplink } = rowsOf(settings);
  const ports = [own, uplink].flatMap((row, i): OvsdbOperation[] => [
    { op: 'insert', table: 'Interface', 'uuid-name': `interface${i}`, row },
    {
      op: 'insert',
      table: 'Port',
      'uuid-name': `port${i}`,
      row: { name: row['name']!, interfaces: ['named-uuid', `interface${i}`] },
    },
  ]);
  const row: OvsdbRow = {
    name,
    datapath_type: datapath,
    // Without flows nothing passes, instead of everything.
    fail_mode: 'secure',
    other_config: map({ hwaddr: mac }),
    external_ids: map({ [SETTINGS_KEY]: wanted }),
    ports: ['set', [0, 1].map((i) => ['named-uuid', `port${i}`])],
  };
  return [
    ...ports,
    { op: 'insert', table: 'Bridge', 'uuid-name': 'bridge', row },
    {
      op: 'mutate',
      table: ROOT,
      where: [],
      mutations: [['bridges', 'insert', ['set', [['named-uuid', 'bridge']]]]],
    },
  ];
}

function rowsOf({ name, mtu, datapath, mac, uplink }: BridgeSettings): {
  readonly own: OvsdbRow;
  readonly uplink: OvsdbRow;
} {
  const own = { name, type: 'internal', mtu_request: mtu, external_ids: map({ datapath, mac }) };
  const common = { name: uplink.name, ofport_request: UPLINK_PORT };
  if (uplink.kind === 'device') return { own, uplink: { ...common, type: '' } };
  const { vni, port, local } = uplink;
  const options = { remote_ip: 'flow', local_ip: formatIp(local), key: String(vni), dst_port: String(port) };
  return { own, uplink: { ...common, type: 'vxlan', options: map(options) } };
}

/** A transaction, and then a wait until ovs-vswitchd has done what it says. */
function change(database: string, operations: readonly OvsdbOperation[]): void {
  const results = transact(database, [
    ...operations,
    { op: 'mutate', table: ROOT, where: [], mutations: [['next_cfg', '+=', 1]] },
    { op: 'select', table: ROOT, where: [], columns: ['next_cfg'] },
  ]);
  const done = Number(results[operations.length + 1]?.rows?.[0]?.['next_cfg']);
  const condition = { table: ROOT, where: [['cur_cfg', '<', done]], columns: ['cur_cfg'], rows: [] };
  transact(database, [{ op: 'wait', timeout: PATIENCE, until: '==', ...condition }]);
}

function findBridge(database: string, name: string): OvsdbRow | undefined {
  const columns = ['_uuid', 'external_ids'];
  const [{ rows = [] } = {}] = transact(database, [
    { op: 'select', table: 'Bridge', where: [['name', '==', name]], columns },
  ]);
  return rows[0];
}

function externalIdOf(row: OvsdbRow): OvsdbValue | undefined {
  const [, entries] = row['external_ids'] as readonly [string, readonly (readonly [string, string])[]];
  return entries.find(([key]) => key === SETTINGS_KEY)?.[1];
}

function map(entries: Readonly<Record<string, string>>): OvsdbValue {
  return ['map', Object.entries(entries)];
}

/** The members of a set, which OVSDB writes as the bare value when it has one. */
function setOf(value: OvsdbValue | undefined): readonly OvsdbValue[] {
  if (Array.isArray(value) && value[0] === 'set') return value[1] as readonly OvsdbValue[];
  return value === undefined ? [] : [value];
}
