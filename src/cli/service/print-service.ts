import { table } from '../table.ts';
import type { ServiceDescription } from './describe-service.ts';
import type { PortReach } from './who-may-reach.ts';

/** The description for people, line by line. */
export function printService(description: ServiceDescription, reach: readonly PortReach[]): string[] {
  const { service, type, addresses, ports, endpoints, path } = description;
  const endpointRows = endpoints.map(({ address, ports: at, node, pod, state, zones, nodes }) => [
    address,
    at.join(' '),
    node ?? '-',
    pod ?? '-',
    state,
    [...nodes, ...zones].join(' '),
  ]);
  return [
    `${service} (${type})`,
    '',
    addressTable(addresses),
    '',
    ports.length === 0 ? 'No ports.' : portTable(ports),
    '',
    endpoints.length === 0
      ? 'No endpoints.'
      : table(['ENDPOINT', 'PORTS', 'NODE', 'POD', 'STATE', 'FOR'], endpointRows),
    '',
    'The way of a packet:',
    ...path.map((line) => `  ${line}`),
    ...(reach.length === 0 ? [] : ['', 'Who may reach it under policy:', ...reach.flatMap(reachLines)]),
  ];
}

/** With a column for announcing nodes where an address is announced on a segment. */
function addressTable(addresses: ServiceDescription['addresses']): string {
  const rows = addresses.map(({ address, kind, announcedBy }) => ({ cells: [address, kind], announcedBy }));
  if (rows.every(({ announcedBy }) => announcedBy === undefined))
    return table(
      ['ADDRESS', 'KIND'],
      rows.map(({ cells }) => cells),
    );
  return table(
    ['ADDRESS', 'KIND', 'ANNOUNCED BY'],
    rows.map(({ cells, announcedBy }) => [...cells, announcedBy === undefined ? '-' : (announcedBy ?? 'no node')]),
  );
}

function portTable(ports: ServiceDescription['ports']): string {
  return table(
    ['PORT', 'PROTOCOL', 'NAME', 'NODE PORT'],
    ports.map(({ port, protocol, name, nodePort }) => [
      String(port),
      protocol,
      name === '' ? '-' : name,
      String(nodePort ?? '-'),
    ]),
  );
}

function reachLines({ port, allowed, denied }: PortReach): string[] {
  const list = (names: readonly string[]): string => (names.length === 0 ? 'nobody' : names.join(', '));
  if (denied.length === 0) return [`  ${port}: everybody`];
  return [`  ${port}: ${list(allowed)}`, `  ${' '.repeat(port.length)}  not: ${list(denied)}`];
}
