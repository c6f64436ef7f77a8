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
    ['/[\\w.-]+/[:;]/[]a]', 0],
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

  it.each([
    ['/x[:alpha:]', "has [:alpha:], and POSIX's classes are not supported: write which characters (character 3)"],
    ['/[[:alpha:]]', "has [:alpha:], and POSIX's classes are not supported: write which characters (character 3)"],
    ['^/[\\d-z]', "has a '-' between a class and something else: write it last (character 6)"],
    ['/[b-a]', 'has a range that is none (character 3)'],
    ['/a(b', "has a '(' that is not closed (character 3)"],
    ['/a[b', "has a '[' that is not closed (character 3)"],
    ['/a\\', "ends with a '\\' (character 3)"],
    ['/a b', 'has a character other than printable ASCII (character 3)'],
    ['/a{1,1000}', 'counts beyond 64 (character 3)'],
  ])('says what is wrong with %s, and where', (text, problem) => {
    expect(checkPathRegex(text)).toEqual({ problem });
  });

  it('refuses what the engine would have to write out too often', () => {
    expect(checkPathRegex(`/(${'[a-c]'.repeat(20)}){64}`)).toEqual({ groups: 1 });
    expect(checkPathRegex(`/(${'[a-c]'.repeat(40)}){64}`)).toHaveProperty('problem');
  });
});
