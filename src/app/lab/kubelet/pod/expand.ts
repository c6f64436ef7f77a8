/**
 * Replaces `$(NAME)` by the variable's value; unknown ones stay as they are and `$$` is a plain `$`, as Kubernetes
 * documents for `env`, `command` and `args`.
 */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\$|\(([^)]+)\))/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (variables[name] ?? whole),
  );
}
