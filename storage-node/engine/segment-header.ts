/** The header of a segment: docs/formats/log.md. */
import { HoldfastError } from '#common/errors.ts';
import { crc32c } from './checksum.ts';
import { SEGMENT_HEADER_BYTES, readClock, writeClock } from './log-format.ts';

const MAGIC = Buffer.from('HOLDFLOG', 'latin1');
const VERSION = 2;
const NO_DEVICE = 0xffff_ffff;

export interface SegmentHeader {
  readonly device: number | null;
  readonly segment: number;
  /** The segment written before, 0 for none, and its length. */
  readonly previous: number;
  readonly previousBytes: number;
  readonly createdMs: number;
  readonly ceiling: number;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes, 0);
  bytes.writeUInt16BE(VERSION, 8);
  bytes.writeUInt32BE(header.device ?? NO_DEVICE, 12);
  bytes.writeUInt32BE(header.segment, 16);
  bytes.writeUInt32BE(header.previous, 20);
  bytes.writeUInt32BE(header.previousBytes, 24);
  writeClock(bytes, 28, header.createdMs);
  writeClock(bytes, 36, header.ceiling);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 60)), 60);
  return bytes;
}

/** Undefined when the bytes are not a whole header. Throws `format-invalid` for a version that this program does not know. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  if (crc32c(bytes.subarray(0, 60)) !== bytes.readUInt32BE(60)) return undefined;
  const version = bytes.readUInt16BE(8);
  if (version !== VERSION)
    throw new HoldfastError('format-invalid', `a segment of the log has version ${version}`);
  const device = bytes.readUInt32BE(12);
  return {
    device: device === NO_DEVICE ? null : device,
    segment: bytes.readUInt32BE(16),
    previous: bytes.readUInt32BE(20),
    previousBytes: bytes.readUInt32BE(24),
    createdMs: readClock(bytes, 28),
    ceiling: readClock(bytes, 36),
  };
}
