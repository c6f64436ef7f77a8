import {
  Attributes,
  attribute,
  attributeList,
  attributeNest,
  attributeText,
  attributeU32be,
  beginNest,
  endNest,
} from '../../base/bytes/index.ts';
import type { ByteWriter } from '../../base/bytes/index.ts';
import { SluiceError } from '../../base/errors.ts';
import { TYPE_BYTES } from '../../core/nft/model.ts';
import type { ElementData, ElementKey, FieldType, SetSpec } from '../../core/nft/model.ts';
import {
  NFTA_DATA,
  NFTA_LIST_ELEM,
  NFTA_SET_ELEM,
  NFTA_VERDICT,
  NFT_SET_ELEM_INTERVAL_END,
  VERDICT,
} from './constants.ts';

/** One element of a set or map, as core/nft writes it. */
export type Element = readonly [key: ElementKey, data: ElementData];

/** Bytes of a key or value in the kernel: a lone field is not padded, fields of a concatenation are. */
export function lengthOf(fields: readonly FieldType[]): number {
  const [only] = fields;
  if (fields.length === 1) return TYPE_BYTES[only!];
  return fields.reduce((sum, field) => sum + ((TYPE_BYTES[field] + 3) & ~3), 0);
}

/** Writes the element of `spec`'s set; an interval of a single field takes two, its start and the first key past it. */
export function encodeElement(writer: ByteWriter, spec: SetSpec, [key, data]: Element): void {
  const length = lengthOf(spec.key);
  const dash = key.indexOf('-');
  const first = hexBytes(dash < 0 ? key : key.slice(0, dash), length, spec);
  if (spec.interval !== true) return writeElement(writer, spec, first, undefined, data);
  const last = dash < 0 ? first : hexBytes(key.slice(dash + 1), length, spec);
  if (spec.key.length > 1) return writeElement(writer, spec, first, last, data);
  writeElement(writer, spec, first, undefined, data);
  const end = successor(last);
  if (end === undefined) return;
  const start = beginNest(writer, NFTA_LIST_ELEM);
  writeValue(writer, NFTA_SET_ELEM.KEY, end);
  attributeU32be(writer, NFTA_SET_ELEM.FLAGS, NFT_SET_ELEM_INTERVAL_END);
  endNest(writer, start);
}

/** Writes NFTA_DATA_VERDICT for a verdict in text. */
export function writeVerdict(writer: ByteWriter, verdict: string): void {
  const space = verdict.indexOf(' ');
  const word = space < 0 ? verdict : verdict.slice(0, space);
  const code = (VERDICT as Readonly<Record<string, number>>)[word];
  if (code === undefined) throw new SluiceError('invalid', `"${verdict}" is not a verdict`);
  const start = beginNest(writer, NFTA_DATA.VERDICT);
  attributeU32be(writer, NFTA_VERDICT.CODE, code);
  if (space >= 0) attributeText(writer, NFTA_VERDICT.CHAIN, verdict.slice(space + 1));
  endNest(writer, start);
}

/** Elements from the payloads of NFTA_SET_ELEM_LIST_ELEMENTS; `spec` says what the bytes mean. Inverse of {@link encodeElement}. */
export function decodeElements(lists: readonly Uint8Array[], spec: SetSpec): Map<ElementKey, ElementData> {
  const parts = lists.flatMap((list) => attributeList(list).map(([, payload]) => decodePart(payload, spec)));
  const elements = new Map<ElementKey, ElementData>();
  if (spec.interval === true && spec.key.length === 1) return pairIntervals(parts, spec);
  for (const { key, end, data } of parts) {
    const hex = pad(key);
    elements.set(end === undefined ? hex : `${hex}-${pad(end)}`, data);
  }
  return elements;
}

/** The key of one element's attributes, for messages about it. */
export function decodeElementKey(payload: Uint8Array): ElementKey {
  return pad(valueOf(new Attributes(payload), NFTA_SET_ELEM.KEY) ?? new Uint8Array());
}

interface Part {
  readonly key: Uint8Array;
  readonly end: Uint8Array | undefined;
  readonly closes: boolean;
  readonly data: ElementData;
}

function decodePart(payload: Uint8Array, spec: SetSpec): Part {
  const attributes = new Attributes(payload);
  return {
    key: valueOf(attributes, NFTA_SET_ELEM.KEY) ?? new Uint8Array(),
    end: valueOf(attributes, NFTA_SET_ELEM.KEY_END),
    closes: ((attributes.u32be(NFTA_SET_ELEM.FLAGS) ?? 0) & NFT_SET_ELEM_INTERVAL_END) !== 0,
    data: spec.data === undefined ? '' : decodeData(attributes),
  };
}

/** The kernel lists starts and ends of a lone field's intervals as elements of their own, in any order. */
function pairIntervals(parts: readonly Part[], spec: SetSpec): Map<ElementKey, ElementData> {
  const sorted = parts
    .map((part) => ({ ...part, hex: part.key.toHex() }))
    // At one key, the end of the interval before comes first.
    .sort((a, b) => (a.hex < b.hex ? -1 : a.hex > b.hex ? 1 : Number(b.closes) - Number(a.closes)));
  const elements = new Map<ElementKey, ElementData>();
  for (const [index, start] of sorted.entries()) {
    if (start.closes) continue;
    const end = sorted[index + 1];
    const last = end === undefined ? new Uint8Array(lengthOf(spec.key)).fill(0xff) : predecessor(end.key);
    elements.set(`${pad(start.key)}-${pad(last)}`, start.data);
  }
  return elements;
}

function decodeData(attributes: Attributes): ElementData {
  const data = attributes.nested(NFTA_SET_ELEM.DATA);
  const verdict = data?.nested(NFTA_DATA.VERDICT);
  if (verdict === undefined) return pad(data?.bytes(NFTA_DATA.VALUE) ?? new Uint8Array());
  const code = verdict.u32be(NFTA_VERDICT.CODE);
  const word = Object.entries(VERDICT).find(([, number]) => number === code)?.[0] ?? `verdict-${code}`;
  const chain = verdict.text(NFTA_VERDICT.CHAIN);
  return chain === undefined ? word : `${word} ${chain}`;
}

function valueOf(attributes: Attributes, type: number): Uint8Array | undefined {
  return attributes.nested(type)?.bytes(NFTA_DATA.VALUE);
}

function writeElement(
  writer: ByteWriter,
  spec: SetSpec,
  key: Uint8Array,
  end: Uint8Array | undefined,
  data: ElementData,
): void {
  const start = beginNest(writer, NFTA_LIST_ELEM);
  writeValue(writer, NFTA_SET_ELEM.KEY, key);
  if (end !== undefined) writeValue(writer, NFTA_SET_ELEM.KEY_END, end);
  const { data: type } = spec;
  if (type === 'verdict') attributeNest(writer, NFTA_SET_ELEM.DATA, () => writeVerdict(writer, data));
  else if (type !== undefined) writeValue(writer, NFTA_SET_ELEM.DATA, hexBytes(data, lengthOf(type), spec));
  endNest(writer, start);
}

function writeValue(writer: ByteWriter, type: number, bytes: Uint8Array): void {
  const start = beginNest(writer, type);
  attribute(writer, NFTA_DATA.VALUE, bytes);
  endNest(writer, start);
}

/** The model pads every field to 4 bytes, also a lone one, which the kernel wants bare. */
function hexBytes(hex: string, length: number, spec: SetSpec): Uint8Array {
  const bytes = Uint8Array.fromHex(hex);
  if (bytes.length !== ((length + 3) & ~3))
    throw new SluiceError('invalid', `${hex} is not a key or value of set ${spec.name}`, { set: spec.name, key: hex });
  return bytes.length === length ? bytes : bytes.subarray(0, length);
}

function pad(bytes: Uint8Array): string {
  return bytes.toHex().padEnd(((bytes.length + 3) & ~3) * 2, '0');
}

/** The next key; undefined after the last. */
function successor(key: Uint8Array): Uint8Array | undefined {
  const next = key.slice();
  for (let i = next.length - 1; i >= 0; i--) {
    next[i]!++;
    if (next[i] !== 0) return next;
  }
  return undefined;
}

function predecessor(key: Uint8Array): Uint8Array {
  const previous = key.slice();
  for (let i = previous.length - 1; i >= 0; i--) {
    previous[i]!--;
    if (previous[i] !== 0xff) break;
  }
  return previous;
}
