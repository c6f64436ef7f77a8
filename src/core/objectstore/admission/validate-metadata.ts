import { forbidden, invalid, type FieldError } from '../../kube/field-error.ts';
import type { ApiObject } from '../api-object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import type { NameRule } from './strategy.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const DNS_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const SUBDOMAIN_DETAIL =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_DETAIL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const DNS_1035_DETAIL =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED_DETAIL =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_DETAIL =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** The rules of `metadata` that hold for every kind. */
export function validateMetadata(
  definition: ResourceDefinition,
  draft: ApiObject,
  previous: ApiObject | undefined,
  rule: NameRule,
): FieldError[] {
  const { name = '', labels = {}, annotations = {}, finalizers = [] } = draft.metadata;
  const errors: FieldError[] = [];
  if (previous === undefined) errors.push(...nameErrors(name, rule));
  for (const [key, value] of Object.entries(labels)) {
    errors.push(...keyErrors('metadata.labels', key));
    if (value.length > 63) errors.push(invalid('metadata.labels', value, 'must be no more than 63 characters'));
    else if (!LABEL_VALUE.test(value)) errors.push(invalid('metadata.labels', value, LABEL_VALUE_DETAIL));
  }
  for (const key of Object.keys(annotations)) errors.push(...keyErrors('metadata.annotations', key));
  const before = previous?.metadata.finalizers ?? [];
  const added = finalizers.filter((each) => !before.includes(each));
  if (previous?.metadata.deletionTimestamp !== undefined && added.length > 0) {
    errors.push(
      forbidden(
        'metadata.finalizers',
        `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
      ),
    );
  }
  return errors;
}

function nameErrors(name: string, rule: NameRule): FieldError[] {
  const at = 'metadata.name';
  const tooLong = (limit: number): FieldError[] =>
    name.length > limit ? [invalid(at, name, `must be no more than ${limit} characters`)] : [];
  switch (rule) {
    case 'label':
      return [...tooLong(63), ...(LABEL.test(name) ? [] : [invalid(at, name, LABEL_DETAIL)])];
    case 'service':
      return [...tooLong(63), ...(DNS_1035.test(name) ? [] : [invalid(at, name, DNS_1035_DETAIL)])];
    case 'path':
      if (name === '.' || name === '..') return [invalid(at, name, `may not be '${name}'`)];
      return /[/%]/.test(name) ? [invalid(at, name, "may not contain '/' or '%'")] : [];
    case 'subdomain':
      return [...tooLong(253), ...(SUBDOMAIN.test(name) ? [] : [invalid(at, name, SUBDOMAIN_DETAIL)])];
  }
}

function keyErrors(path: string, key: string): FieldError[] {
  const parts = key.split('/');
  if (parts.length > 2 || parts.at(-1) === '') {
    return [
      invalid(
        path,
        key,
        `a qualified name must consist of alphanumeric characters, '-', '_' or '.', with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      ),
    ];
  }
  const name = parts.at(-1)!;
  const errors: FieldError[] = [];
  if (parts.length === 2 && !SUBDOMAIN.test(parts[0]!)) {
    errors.push(invalid(path, key, `prefix part ${SUBDOMAIN_DETAIL}`));
  }
  if (name.length > 63) errors.push(invalid(path, key, 'name part must be no more than 63 characters'));
  else if (!QUALIFIED.test(name)) errors.push(invalid(path, key, QUALIFIED_DETAIL));
  return errors;
}
