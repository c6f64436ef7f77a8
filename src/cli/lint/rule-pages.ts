import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RulePages } from './sarif.ts';

const ROOT = new URL('../../../', import.meta.url);

/** The pages in `docs/lint`, which are at the project's `homepage` when package.json names one. */
export function rulePages(): RulePages {
  const { homepage } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { homepage?: string };
  const name = (id: string): string => `docs/lint/${id === '' ? 'README' : id}.md`;
  return {
    uri: (id) => (homepage === undefined ? undefined : `${homepage.replace(/\/$/u, '')}/${name(id)}`),
    markdown: (id) => {
      const file = fileURLToPath(new URL(name(id), ROOT));
      return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    },
  };
}
