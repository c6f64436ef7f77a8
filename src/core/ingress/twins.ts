import type { Backend } from './model.ts';
import { FILES } from './render-options.ts';

/** Backends by the family of clients: where pods see the client itself, they must be spoken to in its family. */
export interface Twins {
  /** All backends, each followed by its twin if it has one. */
  readonly backends: readonly Backend[];
  /** The twins by the names of their backends, with the condition for clients of their family once `rules` were asked. */
  readonly of: ReadonlyMap<string, { readonly name: string; readonly condition: string }>;
  /** The map from a family, 4 or 6, and a backend to the twin for clients of that family. */
  readonly map: string;
  /** Leads clients from the backend that was found to its twin; nothing where there are none. */
  readonly rules: readonly string[];
}

/** Gives each backend whose servers have addresses of both families a twin with the other ones, if that is wanted. */
export function twinsOf(all: readonly Backend[], folder: string, wanted: boolean): Twins {
  const lines: string[] = [];
  const of = new Map<string, { readonly name: string; readonly condition: string }>();
  const backends = all.flatMap(({ others = [], ...backend }): Backend[] => {
    const [first] = others;
    if (!wanted || first === undefined) return [backend];
    // Other backends' names end in a port, whose name has no dot, or in a number.
    const name = `${backend.name}.other`;
    const family = first.host.includes(':') ? 6 : 4;
    lines.push(`${family}${backend.name} ${name}\n`);
    of.set(backend.name, { name, condition: `{ var(txn.family) -m str ${family} }` });
    return [backend, { ...backend, name, endpoints: others }];
  });
  return { backends, of, map: lines.join(''), rules: lines.length === 0 ? [] : rules(folder) };
}

function rules(folder: string): string[] {
  return [
    'http-request set-var(txn.family) str(4)',
    'http-request set-var(txn.family) str(6) if { src -m sub : }',
    `http-request set-var(txn.twin) var(txn.family),concat(,txn.to),map_str(${folder}/${FILES.twins})`,
    'http-request set-var(txn.to) var(txn.twin) if { var(txn.twin) -m found }',
  ];
}
