export { ByteWriter } from './writer.ts';
export { ByteReader, cString } from './reader.ts';
export {
  Attributes,
  MAX_ATTRIBUTE,
  attribute,
  attributeFlag,
  attributeList,
  attributeNest,
  attributeText,
  attributeU8,
  attributeU16,
  attributeU16be,
  attributeU32,
  attributeU32be,
  attributeU64be,
  beginNest,
  endNest,
} from './attributes.ts';
