/** The record of a part: docs/formats/upload-record.md, "Part". */
import type { Stripe } from '#cluster/cluster.ts';
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { HoldfastError } from '#common/errors.ts';
import type { ChecksumAlgorithm } from '#proxy/body/request-body.ts';
import { readStripes, readU48, stripesBytes, stripesLength, writeStripes, writeU48 } from './body-layout.ts';
import { algorithmNumber, algorithmOfNumber } from './stored-checksum.ts';

const VERSION = 1;
const FIXED_BYTES = 34;
const SUMMARY_BYTES_MAX = 3500;
const CHECKSUM_BYTES_MAX = 64;
export const PART_NUMBER_MAX = 10_000;

export interface PartChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64. */
  readonly value: string;
}

export interface PartRecord {
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly sizeBytes: number;
  readonly md5Hex: string;
  readonly checksum: PartChecksum | undefined;
  /** Undefined in a summary of a part that has too many: then they are in the content. */
  readonly stripes: readonly Stripe[] | undefined;
}

export function partName(uploadId: string, number: number): string {
  return `${uploadId}/${String(number).padStart(5, '0')}`;
}

export function partNumberOfName(name: string): number {
  const number = Number(name.slice(name.lastIndexOf('/') + 1));
  if (!Number.isInteger(number) || number < 1 || number > PART_NUMBER_MAX) {
    throw new HoldfastError('format-invalid', 'the name of a part is malformed');
  }
  return number;
}

export function encodePart(part: PartRecord & { readonly stripes: readonly Stripe[] }): {
  summary: Buffer;
  content: Buffer;
} {
  const content = encode(part, part.stripes);
  return { content, summary: content.length <= SUMMARY_BYTES_MAX ? content : encode(part, undefined) };
}

function encode(part: PartRecord, stripes: readonly Stripe[] | undefined): Buffer {
  const checksum = Buffer.from(part.checksum?.value ?? '', 'base64');
  const writer = new ByteWriter(FIXED_BYTES + checksum.length + stripesBytes(stripes ?? []));
  writer.u8(VERSION).u8(stripes === undefined ? 1 : 0);
  writeU48(writer, part.modifiedMs);
  writer.u64(part.sizeBytes).hex(part.md5Hex);
  writer.u8(algorithmNumber(part.checksum?.algorithm)).u8(checksum.length).raw(checksum);
  writeStripes(writer, stripes ?? []);
  return writer.done();
}

export function decodePart(bytes: Buffer): PartRecord {
  const reader = new ByteReader(bytes, 'format-invalid');
  const version = reader.u8();
  if (version !== VERSION) throw reader.violation(`a part of version ${version}`);
  const elsewhere = reader.flag();
  const modifiedMs = readU48(reader);
  const sizeBytes = reader.u64();
  const md5Hex = reader.hex(16);
  const algorithm = algorithmOfNumber(reader.u8());
  const checksumBytes = reader.u8();
  if (checksumBytes > CHECKSUM_BYTES_MAX) throw reader.violation('a checksum of no known length');
  const value = reader.raw(checksumBytes).toString('base64');
  const stripes = readStripes(reader);
  reader.end();
  if (!elsewhere && stripesLength(stripes) !== sizeBytes)
    throw reader.violation('the stripes of a part do not add up');
  return {
    modifiedMs,
    sizeBytes,
    md5Hex,
    checksum: algorithm === undefined ? undefined : { algorithm, value },
    stripes: elsewhere ? undefined : stripes,
  };
}
