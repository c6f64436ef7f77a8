import { allOf } from './labels.ts';
import type { Requirement, Selector } from './labels.ts';

/**
 * Reads a selector in kubectl's syntax: `app=web,tier in (a,b),env!=prod,!old,new`. Empty text selects everything. As
 * in Kubernetes, an empty value is a value (`a=`).
 */
export function parseLabelQuery(text: string): { readonly selector: Selector } | { readonly problem: string } {
  const requirements: Requirement[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const clause = readClause(rest);
    if (typeof clause === 'string') return { problem: clause };
    requirements.push(clause.requirement);
    rest = clause.rest.trimStart();
    if (rest === '') break;
    if (!rest.startsWith(',')) return { problem: `found '${rest}', expected: ',' or end of the selector` };
    rest = rest.slice(1).trimStart();
    if (rest === '') return { problem: `found '', expected: a label key after ','` };
  }
  return { selector: allOf(requirements) };
}

const KEY = /^(!?)\s*([A-Za-z0-9]([A-Za-z0-9_.\-/]*[A-Za-z0-9])?)\s*/;
const SET = /^(in|notin)\s*\(([^()]*)\)/;
const EQUALITY = /^(==|=|!=)\s*([A-Za-z0-9_.-]*)/;

function readClause(text: string): { requirement: Requirement; rest: string } | string {
  const head = KEY.exec(text);
  if (head === null) return `unable to parse a label key at '${text}'`;
  const [whole, not, key] = head;
  const after = text.slice(whole.length);
  if (not === '!') return { requirement: { key: key!, operator: 'DoesNotExist', values: [] }, rest: after };
  const equality = EQUALITY.exec(after);
  if (equality !== null) {
    const operator = equality[1] === '!=' ? 'NotIn' : 'In';
    return { requirement: { key: key!, operator, values: [equality[2]!] }, rest: after.slice(equality[0].length) };
  }
  const set = SET.exec(after);
  if (set !== null) {
    const operator = set[1] === 'in' ? 'In' : 'NotIn';
    const values = set[2]!.split(',').map((value) => value.trim());
    return { requirement: { key: key!, operator, values }, rest: after.slice(set[0].length) };
  }
  return { requirement: { key: key!, operator: 'Exists', values: [] }, rest: after };
}
