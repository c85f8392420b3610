/** docs/formats/writer-record.md */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { type RecordKey, recordKey, recordKinds } from '#common/codec/record-key.ts';
import { type BlobId, blobId, spaceId } from '#common/ids.ts';

const VERSION = 1;
const SUMMARY_BYTES = 13;
const WRITER_DIGITS = 12;
const RANDOM_BYTES = 10;
export const WRITER_SPACE = spaceId('0'.repeat(32));

export interface WriterRecord {
  readonly renewedMs: number;
  readonly leaseMs: number;
}

export function writerName(writer: number): string {
  return writer.toString(16).padStart(WRITER_DIGITS, '0');
}

export function writerKey(name: string): RecordKey {
  return recordKey(WRITER_SPACE, recordKinds.writer, 0, name);
}

export function encodeWriter({ renewedMs, leaseMs }: WriterRecord): Buffer {
  const summary = Buffer.allocUnsafe(SUMMARY_BYTES);
  summary[0] = VERSION;
  summary.writeUIntBE(renewedMs, 1, 6);
  summary.writeUIntBE(leaseMs, 7, 6);
  return summary;
}

/** Throws `format-invalid`. */
export function decodeWriter(summary: Buffer): WriterRecord {
  const reader = new ByteReader(summary, 'format-invalid');
  const version = reader.u8();
  if (version !== VERSION) throw reader.violation(`a writer's record of version ${version}`);
  const times = reader.raw(SUMMARY_BYTES - 1);
  reader.end();
  return { renewedMs: times.readUIntBE(0, 6), leaseMs: times.readUIntBE(6, 6) };
}

/** @param random 10 random bytes. */
export function stripeId(random: Buffer, writer: number): BlobId {
  if (random.length !== RANDOM_BYTES) throw new RangeError('a stripe’s id has 10 random bytes');
  return blobId(random.toString('hex') + writerName(writer));
}

/** The name of the writer that made a stripe. */
export function writerOfStripe(id: BlobId): string {
  return id.slice(-WRITER_DIGITS);
}
