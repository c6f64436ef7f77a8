export { ByteWriter } from './writer.ts';
export { ByteReader, cString } from './reader.ts';
export {
  Attributes,
  attribute,
  attributeList,
  attributeNest,
  attributeText,
  attributeU8,
  attributeU16be,
  attributeU32,
  attributeU32be,
  beginNest,
  endNest,
} from './attributes.ts';
