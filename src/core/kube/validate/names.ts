import { parseCidr, parseIp } from '../../../base/ip/index.ts';

// Patterns and messages: k8s.io/apimachinery/pkg/util/validation/validation.go. Each check returns what is wrong.

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';

/** RFC 1123 label: names of namespaces, containers, volumes. */
export function dns1123Label(value: string): string[] {
  return [
    ...longerThan(value, 63),
    ...unlike(
      value,
      LABEL,
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
      'my-name',
      '123-abc',
    ),
  ];
}

/** RFC 1123 subdomain: names of most objects. */
export function dns1123Subdomain(value: string): string[] {
  return [
    ...longerThan(value, 253),
    ...unlike(
      value,
      SUBDOMAIN,
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
      'example.com',
    ),
  ];
}

/** RFC 1035 label: names of Services. */
export function dns1035Label(value: string): string[] {
  return [
    ...longerThan(value, 63),
    ...unlike(
      value,
      LABEL_1035,
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
      'my-name',
      'abc-123',
    ),
  ];
}

/** Host name in an Ingress: a subdomain, or one whose first label is `*`. */
export function wildcardSubdomain(value: string): string[] {
  return [
    ...longerThan(value, 253),
    ...unlike(
      value,
      `\\*\\.${SUBDOMAIN}`,
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
      '*.example.com',
    ),
  ];
}

/** Label and annotation keys: a name, optionally after a DNS subdomain and `/`. */
export function qualifiedName(value: string): string[] {
  const parts = value.split('/');
  const pattern = "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  if (parts.length > 2)
    return [
      `a qualified name must consist of ${pattern} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const name = parts.at(-1)!;
  const problems: string[] = [];
  if (parts.length === 2) {
    if (parts[0] === '') problems.push('prefix part must be non-empty');
    else problems.push(...dns1123Subdomain(parts[0]!).map((each) => `prefix part ${each}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  problems.push(...longerThan(name, 63).map((each) => `name part ${each}`));
  return [
    ...problems,
    ...unlike(name, QUALIFIED, `name part must consist of ${pattern}`, 'MyName', 'my.name', '123-abc'),
  ];
}

/** Values of labels; may be empty. */
export function labelValue(value: string): string[] {
  return [
    ...longerThan(value, 63),
    ...unlike(
      value,
      LABEL_VALUE,
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      'MyValue',
      'my_value',
      '12345',
    ),
  ];
}

/** Keys of ConfigMaps. */
export function configMapKey(value: string): string[] {
  const problems = [
    ...longerThan(value, 253),
    ...unlike(
      value,
      CONFIG_KEY,
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      'key.name',
      'KEY_NAME',
      'key-name',
    ),
  ];
  if (value === '.' || value === '..') problems.push(`must not be '${value}'`);
  else if (value.startsWith('..')) problems.push("must not start with '..'");
  return problems;
}

/** Names of environment variables: printable ASCII but for `=`. */
export function envVarName(value: string): string[] {
  return /^[\x20-\x3c\x3e-\x7e]+$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** Names of ports: IANA service names (RFC 6335 §5.1). */
export function portName(value: string): string[] {
  const problems = longerThan(value, 15);
  if (!/^[-a-z0-9]+$/.test(value))
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) problems.push('must contain at least one letter (a-z)');
  if (value.includes('--')) problems.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) problems.push('must not begin or end with a hyphen');
  return problems;
}

/** Numbers of ports. */
export function portNumber(value: number): string[] {
  return value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

/** Addresses. */
export function ipAddress(value: string): string[] {
  return parseIp(value) === undefined ? ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'] : [];
}

/** Blocks of addresses. */
export function cidrBlock(value: string): string[] {
  return parseCidr(value) === undefined ? ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'] : [];
}

function longerThan(value: string, limit: number): string[] {
  return value.length > limit ? [`must be no more than ${limit} characters`] : [];
}

function unlike(value: string, pattern: string, message: string, ...examples: string[]): string[] {
  if (new RegExp(`^${pattern}$`).test(value)) return [];
  const list = examples.map((example) => `'${example}'`).join(',  or ');
  return [`${message} (e.g. ${list}, regex used for validation is '${pattern}')`];
}
