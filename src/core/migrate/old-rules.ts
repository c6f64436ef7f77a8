/** By hand, when a node has changed: for a person to read, with the pod of its agent. */
export const REMOVE_RULES = 'kubectl -n kube-system exec POD-OF-SLUICE-NODE -- sluice remove-rules';

/** Chains of Felix, and the comment of each rule that it puts into others' chains (felix/rules/rule_defs.go). */
const CHAIN = 'cali-';
const COMMENT = '"cali:';

/**
 * What takes Calico's rules out of iptables, for `iptables-restore --noflush`, from what `iptables-save` has printed: first
 * its rules in the chains of others, then its chains. All else stays as it is, whoever changes it meanwhile. Empty when
 * there is none.
 */
export function withoutCalicoRules(saved: string): string {
  const tables = saved.split(/^(?=\*)/mu).filter((part) => part.startsWith('*'));
  return tables.map(withoutInTable).join('');
}

function withoutInTable(text: string): string {
  const lines = text.split('\n');
  const chains = lines.flatMap((line) => /^:(\S+)/u.exec(line)?.[1] ?? []).filter((name) => name.startsWith(CHAIN));
  const foreign = lines.filter((line) => {
    const [, chain] = /^-A (\S+)/u.exec(line) ?? [];
    return chain !== undefined && !chain.startsWith(CHAIN) && isOfCalico(line);
  });
  if (chains.length + foreign.length === 0) return '';
  return [
    lines[0]!,
    ...foreign.map((line) => line.replace(/^-A/u, '-D')),
    // All empty first: they lead to each other.
    ...chains.map((name) => `-F ${name}`),
    ...chains.map((name) => `-X ${name}`),
    'COMMIT',
    '',
  ].join('\n');
}

function isOfCalico(rule: string): boolean {
  return rule.includes(` --comment ${COMMENT}`) || / -[jg] cali-/u.test(rule);
}
