import type { Language } from '../core/policy/index.ts';
import type { OptionSpec } from './command.ts';

/** `--lang`, by default from the locale. */
export const LANGUAGE: OptionSpec = {
  flags: '--lang <language>',
  description: 'language of the explanation; by default that of the locale',
  choices: ['en', 'zh-CN', 'zh-TW'],
};

/** The language that `--lang` or the locale asks for; English unless it is a Chinese one. */
export function languageOf(wanted: string | undefined, env: Readonly<Record<string, string | undefined>>): Language {
  if (wanted === 'en' || wanted === 'zh-CN' || wanted === 'zh-TW') return wanted;
  const locale = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '';
  if (/^zh_(TW|HK|MO)/u.test(locale)) return 'zh-TW';
  return locale.startsWith('zh') ? 'zh-CN' : 'en';
}
