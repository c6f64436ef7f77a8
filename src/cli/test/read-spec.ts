import { SluiceError } from '../../base/errors.ts';
import type { Family } from '../../base/ip/index.ts';
import { formatLoadIssue } from '../../core/kube/check-manifest.ts';
import { parseManifests, type LoadIssue, type Manifest } from '../../core/kube/yaml.ts';
import { readParty } from '../party/read-party.ts';
import { readPorts } from '../party/read-ports.ts';
import { SpecReader, join } from '../party/reader.ts';
import type { PartySet } from '../party/party-set.ts';
import { VERBS, type PolicyTest, type TestSpec, type Verb } from './spec.ts';
import { describeParty, describePorts } from '../party/describe.ts';

const TOP = ['$schema', 'files', 'namespace', 'family', 'tests'] as const;
const ASSERTION = ['from', 'to', 'port', 'protocol'] as const;

/** Reads a spec. Throws `bad-spec` with every issue, a line each with its place, when anything in it is not understood. */
export function readSpec(text: string, file: string): TestSpec {
  const { manifests, issues } = parseManifests(text, file);
  const [manifest, another] = manifests;
  if (issues.length > 0) throw refused(issues);
  if (manifest === undefined) throw refused([{ file, line: 1, column: 1, message: 'the file holds no tests' }]);
  if (another !== undefined && !isManifest(manifest))
    throw refused([{ ...another.locate(''), message: 'a spec is one document; put these tests into the first' }]);
  const reader = new SpecReader(manifest);
  const spec = readDocument(manifest, reader);
  if (reader.issues.length > 0 || spec === undefined) throw refused(reader.issues);
  return spec;
}

/** Whether the text is meant to be a spec: it has tests and no kind. What cannot be read may well be one. */
export function isSpec(text: string, file: string): boolean {
  const { manifests, issues } = parseManifests(text, file);
  return issues.length > 0 || manifests.some(({ object }) => 'tests' in object && !('kind' in object));
}

function refused(issues: readonly LoadIssue[]): SluiceError<'bad-spec'> {
  const sorted = [...issues].sort((a, b) => a.line - b.line || a.column - b.column);
  return new SluiceError('bad-spec', sorted.map(formatLoadIssue).join('\n'), { issues: sorted });
}

function isManifest({ object }: Manifest): boolean {
  return 'kind' in object && !('tests' in object);
}

function readDocument(manifest: Manifest, reader: SpecReader): TestSpec | undefined {
  const { object } = manifest;
  if (isManifest(manifest))
    return reader.wrong('', `this is a manifest of kind ${String(object['kind'])}, not a spec of tests`);
  const fields = reader.object(object, '', TOP);
  if (fields === undefined) return undefined;
  const namespace = fields['namespace'] === undefined ? 'default' : reader.text(fields['namespace'], 'namespace');
  const files = fields['files'] === undefined ? [] : reader.texts(fields['files'], 'files');
  const family = fields['family'] === undefined ? 'every' : readFamily(fields['family'], reader);
  const { tests: list } = fields;
  if (!Array.isArray(list) || list.length === 0) return reader.wrong('tests', 'must be a list of one test or more');
  const tests = list.map((each: unknown, index) => readTest(each, `tests[${index}]`, namespace ?? 'default', reader));
  if (namespace === undefined || files === undefined || family === undefined) return undefined;
  if (!tests.every((each) => each !== undefined)) return undefined;
  return { file: reader.at('').file, files, family: family === 'every' ? undefined : family, tests };
}

function readFamily(value: unknown, reader: SpecReader): Family | undefined {
  if (value === 4 || value === 6) return value;
  return reader.wrong('family', `must be 4 or 6, not ${JSON.stringify(value)}`);
}

function readTest(value: unknown, path: string, namespace: string, reader: SpecReader): PolicyTest | undefined {
  const fields = reader.object(value, path, ['name', ...VERBS]);
  if (fields === undefined) return undefined;
  const verbs = VERBS.filter((each) => each in fields);
  const [verb, second] = verbs;
  if (verb === undefined) return reader.wrong(path, `asserts nothing; add one of ${VERBS.join(', ')}`);
  if (second !== undefined) return reader.wrong(join(path, second), `a test asserts one thing: it has ${verb} already`);
  const title = fields['name'] === undefined ? '' : reader.text(fields['name'], join(path, 'name'));
  const assertion = readAssertion(fields[verb], verb, join(path, verb), namespace, reader);
  if (title === undefined || assertion === undefined) return undefined;
  return { name: title === '' ? nameOf(verb, assertion) : title, at: reader.at(path), verb, ...assertion };
}

type Assertion = Pick<PolicyTest, 'from' | 'to' | 'ports' | 'exclusive'>;

function readAssertion(
  value: unknown,
  verb: Verb,
  path: string,
  namespace: string,
  reader: SpecReader,
): Assertion | undefined {
  const fields = reader.object(value, path, verb === 'only' ? [...ASSERTION, 'exclusive'] : ASSERTION);
  if (fields === undefined || !isComplete(fields, verb, path, reader)) return undefined;
  const side = (name: 'from' | 'to'): PartySet | undefined =>
    fields[name] === undefined ? { kind: 'any' } : readParty(fields[name], join(path, name), namespace, reader);
  const [from, to] = [side('from'), side('to')];
  const ports = readPorts(fields, path, reader);
  const exclusive =
    fields['exclusive'] === undefined
      ? 'from'
      : reader.choice(fields['exclusive'], join(path, 'exclusive'), ['from', 'to'] as const);
  if (from === undefined || to === undefined || ports === undefined || exclusive === undefined) return undefined;
  return { from, to, ports: ports.ports, exclusive };
}

/** What may be left out depends on the verb: a wide denial means something, a wide permission is a slip. */
function isComplete(fields: Readonly<Record<string, unknown>>, verb: Verb, path: string, reader: SpecReader): boolean {
  const before = reader.issues.length;
  if (verb === 'allow' || verb === 'only') {
    for (const name of ['from', 'to'] as const)
      if (fields[name] === undefined) reader.wrong(path, `${verb} needs ${name}; write any for everybody`);
    if (fields['port'] === undefined && fields['protocol'] === undefined)
      reader.wrong(path, `${verb} needs port, or protocol: ICMP; "port: all" is every port`);
  } else if (ASSERTION.every((name) => fields[name] === undefined)) {
    reader.wrong(path, `${verb} needs from, to or port`);
  }
  return reader.issues.length === before;
}

function nameOf(verb: Verb, { from, to, ports, exclusive }: Assertion): string {
  const side = verb === 'only' ? `only ${exclusive} ` : `${verb} `;
  return `${side}${describeParty(from)} → ${describeParty(to)}${describePorts(ports)}`;
}
