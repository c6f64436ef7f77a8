import type { OptionSpec } from './command.ts';

/** `--name`, by which every command finds its cluster. */
export const NAME: OptionSpec = { flags: '--name <name>', description: 'name of the cluster', fallback: 'sluice' };

/** `--kubeconfig`, for clusters that this machine does not run. */
export const KUBECONFIG: OptionSpec = {
  flags: '--kubeconfig <file>',
  description: 'read the cluster through this kubeconfig instead of the one of --name',
};

/** `-o json`. */
export const OUTPUT: OptionSpec = {
  flags: '-o, --output <format>',
  description: 'how to print the answer',
  choices: ['text', 'json'],
  fallback: 'text',
};
