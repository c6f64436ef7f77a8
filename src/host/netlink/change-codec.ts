import type { ByteWriter } from '../../base/bytes/index.ts';
import { formatCidr, formatIp } from '../../base/ip/index.ts';
import { encodeAddress } from './address-codec.ts';
import { encodeLinkIndex, encodeNewLink, encodeSetLink } from './link-codec.ts';
import type { Resolver } from './link-codec.ts';
import { NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST } from './message.ts';
import { encodeFdb, encodeNeighbour } from './neighbour-codec.ts';
import type { NetworkChange, Route } from './port.ts';
import { encodeRoute } from './route-codec.ts';
import { encodeRule } from './rule-codec.ts';

/** Message types (linux/rtnetlink.h). */
export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
} as const;

/** A change as a request: message type, flags, and the writer of its payload, which may look names up. */
export interface EncodedChange {
  readonly type: number;
  readonly flags: number;
  readonly write: (writer: ByteWriter, resolver: Resolver) => void;
}

const PLAIN = NLM_F_REQUEST | NLM_F_ACK;
const FLAGS = {
  add: PLAIN | NLM_F_CREATE | NLM_F_EXCL,
  append: PLAIN | NLM_F_CREATE | NLM_F_APPEND,
  replace: PLAIN | NLM_F_CREATE | NLM_F_REPLACE,
  delete: PLAIN,
} as const;

/** Creating and replacing differ in flags only; this reads them off the change's kind. */
function flagsOf(change: NetworkChange): number {
  return FLAGS[change.kind.slice(0, change.kind.indexOf('-')) as keyof typeof FLAGS];
}

/** The request that makes `change`. */
export function encodeChange(change: NetworkChange): EncodedChange {
  switch (change.kind) {
    case 'add-link':
      return { type: RTM.NEWLINK, flags: FLAGS.add, write: (w, r) => encodeNewLink(w, change.link, r) };
    case 'set-link':
      return { type: RTM.NEWLINK, flags: PLAIN, write: (w, r) => encodeSetLink(w, change, r) };
    case 'delete-link':
      return { type: RTM.DELLINK, flags: PLAIN, write: (w, r) => encodeLinkIndex(w, r.indexOf(change.link)) };
    case 'add-address':
    case 'replace-address':
      return { type: RTM.NEWADDR, flags: flagsOf(change), write: (w, r) => encodeAddress(w, change.address, r) };
    case 'delete-address':
      return { type: RTM.DELADDR, flags: PLAIN, write: (w, r) => encodeAddress(w, change.address, r) };
    case 'add-route':
    case 'replace-route':
      return { type: RTM.NEWROUTE, flags: flagsOf(change), write: (w, r) => encodeRoute(w, change.route, r) };
    case 'delete-route':
      return { type: RTM.DELROUTE, flags: PLAIN, write: (w, r) => encodeRoute(w, change.route, r, 'delete') };
    case 'replace-neighbour':
      return { type: RTM.NEWNEIGH, flags: FLAGS.replace, write: (w, r) => encodeNeighbour(w, change.neighbour, r) };
    case 'delete-neighbour':
      return { type: RTM.DELNEIGH, flags: PLAIN, write: (w, r) => encodeNeighbour(w, change.neighbour, r) };
    case 'append-fdb':
    case 'replace-fdb':
      return { type: RTM.NEWNEIGH, flags: flagsOf(change), write: (w, r) => encodeFdb(w, change.entry, r) };
    case 'delete-fdb':
      return { type: RTM.DELNEIGH, flags: PLAIN, write: (w, r) => encodeFdb(w, change.entry, r) };
    case 'add-rule':
      return { type: RTM.NEWRULE, flags: FLAGS.add, write: (w) => encodeRule(w, change.rule) };
    case 'delete-rule':
      return { type: RTM.DELRULE, flags: PLAIN, write: (w) => encodeRule(w, change.rule) };
  }
}

/** Whether the links' names may be different after `change`, so that later look-ups must wait for it. */
export function changesNames(change: NetworkChange): boolean {
  return (
    change.kind === 'add-link' ||
    change.kind === 'delete-link' ||
    (change.kind === 'set-link' && (change.name !== undefined || change.netns !== undefined))
  );
}

/** A change in words, for error messages. */
export function describeChange(change: NetworkChange): string {
  const verb = `${change.kind.slice(0, change.kind.indexOf('-'))}ing`.replace('eing', 'ing');
  switch (change.kind) {
    case 'add-link':
      return `adding ${change.link.type} link ${change.link.name}`;
    case 'set-link':
      return `changing link ${change.link}`;
    case 'delete-link':
      return `deleting link ${change.link}`;
    case 'add-address':
    case 'replace-address':
    case 'delete-address':
      return `${verb} address ${formatCidr(change.address.address)} on link ${change.address.link}`;
    case 'add-route':
    case 'replace-route':
    case 'delete-route':
      return `${verb} route ${describeRoute(change.route)}`;
    case 'replace-neighbour':
    case 'delete-neighbour':
      return `${verb} neighbour ${formatIp(change.neighbour.ip)} on link ${change.neighbour.link}`;
    case 'append-fdb':
    case 'replace-fdb':
    case 'delete-fdb':
      return `${verb} forwarding entry ${change.entry.mac} to ${formatIp(change.entry.remote)} on link ${change.entry.link}`;
    case 'add-rule':
    case 'delete-rule':
      return `${verb} IPv${change.rule.family} routing rule ${change.rule.priority} to table ${change.rule.table}`;
  }
}

function describeRoute(route: Route): string {
  const parts = [formatCidr(route.destination)];
  if (route.type !== undefined && route.type !== 'unicast') parts.unshift(route.type);
  if (route.via !== undefined) parts.push(`via ${formatIp(route.via)}`);
  if (route.link !== undefined) parts.push(`on link ${route.link}`);
  if (route.table !== undefined) parts.push(`in table ${route.table}`);
  return parts.join(' ');
}
