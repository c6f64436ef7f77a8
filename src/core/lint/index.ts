export { lint } from './lint.ts';
export type { LintOptions, LintSource } from './lint.ts';
export type { Finding, ObjectRef, RuleMeta, Severity } from './model.ts';
export { SEVERITIES } from './model.ts';
export { repair } from './repair.ts';
export type { RepairedSources } from './repair.ts';
export { ALL_RULES } from './rules.ts';
export { DEFAULT_SETTINGS, readSettings } from './settings.ts';
export type { Exemption, LintSettings } from './settings.ts';
