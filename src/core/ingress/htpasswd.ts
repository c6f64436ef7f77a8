import type { Value } from './annotation-values.ts';
import type { BasicAuth } from './settings.ts';

/**
 * Reads a file of htpasswd: a user and a password in each line. Passwords must be as crypt(3) of a current system takes
 * them: bcrypt, SHA-256, SHA-512 or yescrypt. Apache's own MD5 (`$apr1$`) and plain SHA-1 are refused.
 */
export function readUsers(text: string): Value<BasicAuth['users']> {
  const users: { name: string; hash: string }[] = [];
  const lines = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of lines) {
    const [, name, hash] = /^([A-Za-z0-9._@-]{1,64}):(\$(?:2[aby]|5|6|y)\$[A-Za-z0-9./$=,]{20,200})$/.exec(line) ?? [];
    if (name === undefined || hash === undefined)
      return {
        problem: `line ${lines.indexOf(line) + 1} of auth is not a user with a password in bcrypt, SHA-256, SHA-512 or yescrypt (htpasswd -B writes bcrypt)`,
      };
    users.push({ name, hash });
  }
  return users.length === 0 ? { problem: 'auth names no user' } : { value: users };
}
