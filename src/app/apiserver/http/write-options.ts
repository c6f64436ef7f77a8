import { badRequest, type FieldValidation, type WriteRequest } from '../../../core/objectstore/index.ts';

/** Reads dryRun, fieldValidation and fieldManager of a write; the default is to warn, as in Kubernetes. */
export function writeOptions(query: URLSearchParams, userAgent: string): WriteRequest {
  const fieldValidation = query.get('fieldValidation') ?? '';
  if (!['', 'Strict', 'Warn', 'Ignore'].includes(fieldValidation)) {
    throw badRequest(
      `fieldValidation: Unsupported value: "${fieldValidation}": supported values: "Ignore", "Strict", "Warn"`,
    );
  }
  const dryRun = query.getAll('dryRun').filter((each) => each !== '');
  if (dryRun.some((each) => each !== 'All')) {
    throw badRequest(`dryRun: Unsupported value: "${dryRun.join()}": supported values: "All"`);
  }
  return {
    fieldValidation: (fieldValidation === '' ? 'Warn' : fieldValidation) as FieldValidation,
    dryRun: dryRun.length > 0,
    fieldManager: query.get('fieldManager') ?? (userAgent.split('/')[0] || 'unknown'),
    warnings: [],
  };
}
