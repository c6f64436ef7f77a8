import { SluiceError } from '../../base/errors.ts';
import { parseLabelQuery } from '../../core/kube/label-query.ts';
import type { ClusterState } from '../../core/policy/cluster.ts';
import { membersOf, missingNames, type Members } from './members.ts';
import type { PartySet } from './party-set.ts';
import { readParty } from './read-party.ts';
import { SpecReader } from './reader.ts';

/**
 * Reads who an option means: what specs call a party, `NAMESPACE/` for all of a namespace, or labels (`app=web`, or
 * `NAMESPACE/app=web`). Throws `bad-question` when it is none of these, or nobody in the cluster.
 */
export function readPartyOption(
  option: string,
  texts: readonly string[],
  namespace: string,
  state: ClusterState,
): Members {
  const sets = texts.map((text) => readText(option, text, namespace));
  const set: PartySet = sets.length === 1 ? sets[0]! : { kind: 'union', of: sets };
  const missing = missingNames(set, state);
  if (missing.length > 0) throw wrong(`${option}: ${missing.join('; ')}`);
  return membersOf(set, state);
}

function readText(option: string, text: string, namespace: string): PartySet {
  const scoped = /^([a-z0-9-]+)\/(.*[=!,(].*|)$/u.exec(text);
  if (scoped !== null) return ofLabels(option, scoped[2]!, { kind: 'names', names: [scoped[1]!] });
  if (/[=!,(]/u.test(text)) return ofLabels(option, text, { kind: 'all' });
  const reader = new SpecReader({ object: {}, file: '', locate: () => ({ file: '', line: 1, column: 1 }) });
  const set = readParty(text, '', namespace, reader);
  if (set === undefined) throw wrong(`${option}: ${reader.issues.map(({ message }) => message).join('; ')}`);
  return set;
}

function ofLabels(
  option: string,
  text: string,
  namespaces: Extract<PartySet, { kind: 'pods' }>['namespaces'],
): PartySet {
  const parsed = parseLabelQuery(text);
  if ('selector' in parsed) return { kind: 'pods', namespaces, pods: parsed.selector };
  throw wrong(`${option} ${text}: ${parsed.problem}`);
}

function wrong(message: string): SluiceError<'bad-question'> {
  return new SluiceError('bad-question', message);
}
