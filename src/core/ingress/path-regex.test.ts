import { describe, expect, it } from 'vitest';
import { checkPathRegex } from './path-regex.ts';

describe('expressions over paths', () => {
  it.each([
    ['/something(/|$)(.*)', 2],
    ['/api/v[0-9]+/users/([^/]+)/(.*)', 2],
    ['/(a|b|c)/x', 1],
    ['/files(/[^/]+)*\\.png', 1],
    ['^/([0-9]{1,3}\\.)+x', 1],
    ['/[a-z]{2}/(?:blog|news)/.*', 0],
  ])('takes %s, with %i groups', (text, groups) => {
    expect(checkPathRegex(text)).toEqual({ groups });
  });

  it.each([
    '/(a+)+$',
    '/(a|a)*$',
    '/(a|A)*b',
    '/(.*a){20}',
    '/(a*)*b',
    '/(?:a?){30}a{30}',
    '/.*.*.*x',
    '/(.*)(.*)(.*)(.*)y',
    '/(\\w+\\d*)+z',
    '/a(?=b)',
    '/(a)\\1',
    '/(?R)',
    '/(?i)x',
    '/a b',
    '/a\nb',
    '/[[:alpha:]]',
    '/a{1,1000}',
    '/(',
    '/a)',
    '/*+',
    '/a++',
    '/[b-a]',
    `/${'a'.repeat(600)}`,
  ])('refuses %s', (text) => {
    expect(checkPathRegex(text)).toHaveProperty('problem');
  });
});
