import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Puts the output of a demo run into the three READMEs: `./sluice demo 2>&1 | node scripts/readme-demo.ts`.
 * What the README shows is then what the program printed, to the letter.
 */
const root = join(import.meta.dirname, '..');
const output = readFileSync(0, 'utf8').trimEnd();
const block = `<!-- demo:begin -->\n\`\`\`\n${output}\n\`\`\`\n<!-- demo:end -->`;
for (const name of ['README.md', 'README.zh-CN.md', 'README.zh-TW.md']) {
  const file = join(root, name);
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    text.replace(/<!-- demo:begin -->[\s\S]*?<!-- demo:end -->/, () => block),
  );
}
