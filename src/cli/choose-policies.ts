import { SluiceError } from '../base/errors.ts';
import { suggest } from '../core/kube/suggest.ts';
import type { Policy } from '../core/policy/model.ts';

/** What kubectl and calicoctl call the kinds for short. */
const SHORT: Readonly<Record<string, string>> = {
  netpol: 'networkpolicy',
  anp: 'adminnetworkpolicy',
  banp: 'baselineadminnetworkpolicy',
  cnp: 'clusternetworkpolicy',
  gnp: 'globalnetworkpolicy',
};

/**
 * The policies that `text` names: a name, with the namespace or the kind (also in plural or for short) or both in front,
 * separated by slashes; all of them when there is no text. Throws `no-such-policy` when none is named so.
 */
export function choosePolicies(policies: readonly Policy[], text: string | undefined): readonly Policy[] {
  if (policies.length === 0) throw new SluiceError('no-such-policy', 'there is no policy in the input');
  if (text === undefined) return policies;
  const parts = text.split('/');
  const name = parts.at(-1)!;
  const found = policies.filter(({ source }) => {
    const rest = parts.slice(0, -1);
    return source.name === name && rest.every((part) => part === source.namespace || isKind(part, source.kind));
  });
  if (found.length > 0) return found;
  const names = policies.map(nameOf);
  const meant =
    suggest(text, names) ??
    names[
      policies.findIndex(
        ({ source }) =>
          source.name ===
          suggest(
            name,
            policies.map((each) => each.source.name),
          ),
      )
    ];
  const hint =
    meant === undefined
      ? `there are ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`
      : `did you mean ${meant}?`;
  throw new SluiceError('no-such-policy', `no policy is called ${text}; ${hint}`);
}

function isKind(text: string, kind: string): boolean {
  const lower = text.toLowerCase();
  const whole = SHORT[lower] ?? lower.replace(/ies$/, 'y');
  return whole === kind.toLowerCase();
}

function nameOf({ source }: Policy): string {
  return source.namespace === undefined ? source.name : `${source.namespace}/${source.name}`;
}
