/** Where the bytes of a body are: docs/formats/object-record.md, "Body section". */
import type { Stripe } from '#cluster/cluster.ts';
import { ByteReader } from '#common/codec/byte-reader.ts';
import { ByteWriter } from '#common/codec/byte-writer.ts';
import { HoldfastError } from '#common/errors.ts';
import { blobId } from '#common/ids.ts';

const STRIPE_BYTES = 22;
const PART_BYTES = 8;
const NONE = Buffer.alloc(0);

export interface PartExtent {
  readonly number: number;
  readonly sizeBytes: number;
  /** Of the kind that the object's checksum is of, in base64. */
  readonly checksum?: string;
}

export interface BodyLayout {
  readonly stripes: readonly Stripe[];
  /** Of a multipart object; empty otherwise. */
  readonly parts: readonly PartExtent[];
}

export function stripesLength(stripes: readonly Stripe[]): number {
  let sum = 0;
  for (const stripe of stripes) sum += stripe.lengthBytes;
  return sum;
}

export function stripesBytes(stripes: readonly Stripe[]): number {
  return 4 + stripes.length * STRIPE_BYTES;
}

export function writeStripes(writer: ByteWriter, stripes: readonly Stripe[]): void {
  writer.u32(stripes.length);
  for (const stripe of stripes) {
    writer.hex(stripe.id);
    writeU48(writer, stripe.lengthBytes);
  }
}

export function readStripes(reader: ByteReader): Stripe[] {
  const count = reader.u32();
  if (count * STRIPE_BYTES > reader.left) throw reader.violation(`${count} stripes do not fit`);
  const stripes: Stripe[] = [];
  for (let index = 0; index < count; index++) {
    stripes.push({ id: blobId(reader.hex(16)), lengthBytes: readU48(reader) });
  }
  return stripes;
}

export function writeU48(writer: ByteWriter, value: number): void {
  writer.u16(Math.floor(value / 0x1_0000_0000)).u32(value % 0x1_0000_0000);
}

export function readU48(reader: ByteReader): number {
  return reader.u16() * 0x1_0000_0000 + reader.u32();
}

export function encodeLayout(layout: BodyLayout): Buffer {
  const { stripes, parts } = layout;
  const checksums = parts.map(({ checksum }) => Buffer.from(checksum ?? '', 'base64'));
  const checksumBytes = checksums[0]?.length ?? 0;
  const partBytes = PART_BYTES + checksumBytes;
  const writer = new ByteWriter(stripesBytes(stripes) + 3 + parts.length * partBytes);
  writeStripes(writer, stripes);
  writer.u16(parts.length).u8(checksumBytes);
  for (const [index, part] of parts.entries()) {
    writeU48(writer.u16(part.number), part.sizeBytes);
    writer.raw(checksums[index] ?? NONE);
  }
  return writer.done();
}

/** @param sizeBytes what the stripes, and the parts, must add up to; not checked when left out. */
export function decodeLayout(bytes: Buffer, sizeBytes?: number): BodyLayout {
  const reader = new ByteReader(bytes, 'format-invalid');
  const stripes = readStripes(reader);
  const count = reader.u16();
  const checksumBytes = reader.u8();
  if (count * (PART_BYTES + checksumBytes) > reader.left) throw reader.violation(`${count} parts do not fit`);
  const parts: PartExtent[] = [];
  let partsLength = 0;
  let before = 0;
  for (let index = 0; index < count; index++) {
    const extent = { number: reader.u16(), sizeBytes: readU48(reader) };
    const checksum = reader.raw(checksumBytes).toString('base64');
    const part = checksum === '' ? extent : { ...extent, checksum };
    if (part.number <= before) throw reader.violation('part numbers do not rise');
    before = part.number;
    partsLength += part.sizeBytes;
    parts.push(part);
  }
  reader.end();
  if (
    sizeBytes !== undefined &&
    (stripesLength(stripes) !== sizeBytes || (count > 0 && partsLength !== sizeBytes))
  ) {
    throw new HoldfastError('format-invalid', 'the layout does not add up to the size of the object');
  }
  return { stripes, parts };
}
