import { networkOf, parseCidr, parseIp, hostCidr } from '../../base/ip/index.ts';
import { EVERYTHING, type Selector } from '../../core/kube/labels.ts';
import { parseLabelQuery } from '../../core/kube/label-query.ts';
import { suggest } from '../../core/kube/suggest.ts';
import { join, type SpecReader } from './reader.ts';
import type { NamespaceFilter, PartySet } from './party-set.ts';

const FIELDS = ['namespace', 'namespaces', 'pods', 'not'] as const;
const WORDS = ['any', 'outside', 'nodes'] as const;
const WORKLOADS: Readonly<Record<string, string>> = {
  deploy: 'deployment',
  deployment: 'deployment',
  sts: 'statefulset',
  statefulset: 'statefulset',
  ds: 'daemonset',
  daemonset: 'daemonset',
  rs: 'replicaset',
  replicaset: 'replicaset',
  job: 'job',
  cj: 'cronjob',
  cronjob: 'cronjob',
};
const FORMS =
  'must be any, outside, nodes, node/NAME, an address or CIDR, NAMESPACE/POD, NAMESPACE/deployment/NAME, ' +
  'NAMESPACE/service/NAME, or an object with namespace, namespaces, pods or not';

/** Reads who is meant: a text, an object, or a list of either. Undefined, and reported, when it is none. */
export function readParty(value: unknown, path: string, namespace: string, reader: SpecReader): PartySet | undefined {
  if (typeof value === 'string') return readName(value, path, namespace, reader);
  if (Array.isArray(value)) return readList(value, path, namespace, reader);
  if (typeof value !== 'object' || value === null) return reader.wrong(path, FORMS);
  const fields = reader.object(value, path, FIELDS);
  if (fields === undefined) return undefined;
  if (Object.keys(fields).length === 0) return reader.wrong(path, 'is empty; write any for everybody');
  return 'not' in fields ? readNot(fields, path, namespace, reader) : readPods(fields, path, reader);
}

function readList(list: readonly unknown[], path: string, namespace: string, reader: SpecReader): PartySet | undefined {
  if (list.length === 0) return reader.wrong(path, 'must not be empty; leave the field out to mean everybody');
  const of = list.map((each, index) => readParty(each, `${path}[${index}]`, namespace, reader));
  return of.every((each) => each !== undefined) ? { kind: 'union', of } : undefined;
}

function readNot(
  fields: Readonly<Record<string, unknown>>,
  path: string,
  namespace: string,
  reader: SpecReader,
): PartySet | undefined {
  const beside = Object.keys(fields).find((name) => name !== 'not');
  if (beside !== undefined) return reader.wrong(join(path, beside), 'cannot stand beside not; put it inside');
  const of = readParty(fields['not'], join(path, 'not'), namespace, reader);
  return of === undefined ? undefined : { kind: 'not', of };
}

function readPods(fields: Readonly<Record<string, unknown>>, path: string, reader: SpecReader): PartySet | undefined {
  const namespaces = readNamespaces(fields, path, reader);
  const pods = fields['pods'] === undefined ? EVERYTHING : readQuery(fields['pods'], join(path, 'pods'), reader);
  return namespaces === undefined || pods === undefined ? undefined : { kind: 'pods', namespaces, pods };
}

function readNamespaces(
  { namespace, namespaces }: Readonly<Record<string, unknown>>,
  path: string,
  reader: SpecReader,
): NamespaceFilter | undefined {
  if (namespace !== undefined && namespaces !== undefined)
    return reader.wrong(join(path, 'namespaces'), 'cannot stand beside namespace: one gives names, the other labels');
  if (namespace !== undefined) {
    const names = reader.texts(namespace, join(path, 'namespace'));
    return names === undefined ? undefined : { kind: 'names', names };
  }
  if (namespaces === undefined) return { kind: 'all' };
  const selector = readQuery(namespaces, join(path, 'namespaces'), reader);
  return selector === undefined ? undefined : { kind: 'labels', selector };
}

function readQuery(value: unknown, path: string, reader: SpecReader): Selector | undefined {
  const text = reader.text(value, path);
  if (text === undefined) return undefined;
  const parsed = parseLabelQuery(text);
  if ('selector' in parsed) return parsed.selector;
  return reader.wrong(path, `${parsed.problem}; write labels as kubectl takes them, such as app=web,tier in (a,b)`);
}

function readName(text: string, path: string, namespace: string, reader: SpecReader): PartySet | undefined {
  const word = WORDS.find((each) => each === text);
  if (word !== undefined) return { kind: word };
  const block = readBlock(text);
  if (block !== undefined) return block;
  if (/^[\d.:a-f]+\/\d+$/u.test(text) && /[.:]/u.test(text))
    return reader.wrong(path, `${text} is no block of addresses`);
  const parts = text.split('/');
  if (parts.some((part) => part === '') || parts.length > 3) return reader.wrong(path, `${FORMS}, not "${text}"`);
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) {
    const near = suggest(text, WORDS);
    // A pod may well be called "anyx"; only what nearly is a word is doubted.
    return near === undefined || text.length < 4
      ? { kind: 'pod', namespace, name: first }
      : doubted(text, near, path, reader);
  }
  if (parts.length === 2 && first === 'node') return { kind: 'node', name: second };
  if (parts.length === 2) return ofKind(namespace, first, second) ?? { kind: 'pod', namespace: first, name: second };
  const found = ofKind(first, second, third);
  if (found !== undefined) return found;
  const near = suggest(second, [...Object.keys(WORKLOADS), 'service', 'pod']);
  return reader.wrong(path, `there is no kind "${second}"${near === undefined ? '' : `; did you mean ${near}?`}`);
}

function doubted(text: string, near: string, path: string, reader: SpecReader): undefined {
  return reader.wrong(path, `"${text}": did you mean ${near}? A pod of that name is written NAMESPACE/${text}`);
}

function readBlock(text: string): PartySet | undefined {
  const ip = parseIp(text);
  if (ip !== undefined) return { kind: 'block', cidr: hostCidr(ip) };
  const cidr = parseCidr(text);
  return cidr === undefined ? undefined : { kind: 'block', cidr: networkOf(cidr) };
}

function ofKind(namespace: string, kind: string, name: string): PartySet | undefined {
  const lower = kind.toLowerCase().replace(/s$/u, '');
  if (lower === 'service' || lower === 'svc') return { kind: 'service', namespace, name };
  if (lower === 'pod' || lower === 'po') return { kind: 'pod', namespace, name };
  const workload = WORKLOADS[kind.toLowerCase()] ?? WORKLOADS[lower];
  return workload === undefined ? undefined : { kind: 'workload', namespace, workload, name };
}
