/** The kubelet's environment for the agent's container. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Directory of the agent's sockets. */
export function runDirOf(env: Environment): string {
  return env['SLUICE_RUN_DIR'] ?? '/run/sluice';
}
