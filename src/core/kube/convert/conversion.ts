/** A JSON object: an API object, or a part of one. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What a reader should know about one field: why it stands in the way or what changes, and what to do. */
export interface FieldRemark {
  readonly path: string;
  readonly message: string;
}

/** What becomes of one object. */
export type Conversion =
  /** Nothing to convert. */
  | { readonly kind: 'current' }
  /** `remarks` tell what the new form does not say or says differently; verdicts and routes are the same but for these. */
  | { readonly kind: 'converted'; readonly object: JsonObject; readonly remarks: readonly FieldRemark[] }
  /** It cannot be said in the new form, or could not be read. */
  | { readonly kind: 'refused'; readonly problems: readonly FieldRemark[] };

/** Converts objects of one kind and version. Never throws. `others` are all objects of the input, itself among them. */
export type Converter = (object: JsonObject, others: readonly JsonObject[]) => Conversion;

/** The outcome of a converter that collected problems on its way: refused when there are any. */
export function outcome(
  object: JsonObject,
  problems: readonly FieldRemark[],
  remarks: readonly FieldRemark[] = [],
): Conversion {
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'converted', object, remarks };
}

/** Whether `value` is a plain object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object with some fields renamed, replaced or (when undefined comes back) left out; the order is kept. */
export function mapFields(
  object: JsonObject,
  convert: (name: string, value: unknown) => readonly [string, unknown] | undefined,
): JsonObject {
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]) => {
      const field = convert(name, value);
      return field === undefined ? [] : [field];
    }),
  );
}

/** The metadata of an object that becomes one of another kind: what users write, without what a server has added. */
export function writtenMetadata(metadata: unknown): unknown {
  if (!isObject(metadata)) return metadata;
  return mapFields(metadata, (name, value) => {
    if (SERVER_FIELDS.includes(name)) return undefined;
    if (name !== 'annotations' || !isObject(value)) return [name, value];
    const kept = mapFields(value, (key, text) => (SERVER_ANNOTATIONS.includes(key) ? undefined : [key, text]));
    return Object.keys(kept).length === 0 ? undefined : [name, kept];
  });
}

const SERVER_FIELDS = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'selfLink'];
const SERVER_ANNOTATIONS = ['kubectl.kubernetes.io/last-applied-configuration', 'projectcalico.org/metadata'];
