/** Reads one blob, every block checked: docs/formats/blob.md, reading. */
import { HoldfastError } from '#common/errors.ts';
import type { OpenFile } from '#common/io/files.ts';
import {
  BLOB_HEADER_BYTES,
  BLOCK_BYTES,
  type BlobEnd,
  CHECKSUM_BYTES,
  TRAILER_BYTES,
  blobEndBytes,
  decodeBlobEnd,
} from './blob-format.ts';
import { crc32c } from './checksum.ts';
import type { BlobInfo, BlobSource } from './device-engine.ts';

/** The end of every blob up to 120 MiB is within this. */
const FIRST_READ_BYTES = 16 * 1024;

/** Reads what stands behind the data. Throws `data-corrupt`. */
export async function readBlobEnd(file: OpenFile): Promise<BlobEnd> {
  const sizeBytes = await file.size();
  if (sizeBytes < BLOB_HEADER_BYTES + TRAILER_BYTES)
    throw new HoldfastError('data-corrupt', 'a blob is too short');
  const first = await readAt(file, Math.min(FIRST_READ_BYTES, sizeBytes - BLOB_HEADER_BYTES), sizeBytes);
  const endBytes = blobEndBytes(first.subarray(first.length - TRAILER_BYTES));
  if (endBytes > sizeBytes - BLOB_HEADER_BYTES)
    throw new HoldfastError('data-corrupt', 'a blob is too short');
  const end =
    endBytes <= first.length
      ? first.subarray(first.length - endBytes)
      : await readAt(file, endBytes, sizeBytes);
  const decoded = decodeBlobEnd(end);
  if (BLOB_HEADER_BYTES + decoded.info.lengthBytes + endBytes !== sizeBytes) {
    throw new HoldfastError('data-corrupt', 'the length of a blob is not what its end says');
  }
  return decoded;
}

/** The last `length` bytes of a file of `sizeBytes`. */
async function readAt(file: OpenFile, length: number, sizeBytes: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  const had = await file.read(bytes, 0, length, sizeBytes - length);
  if (had !== length) throw new HoldfastError('data-corrupt', 'a blob is shorter than it was');
  return bytes;
}

export interface BlobReaderOptions {
  readonly file: OpenFile;
  readonly end: BlobEnd;
  /** Turns what the disk threw into the caller's error. */
  readonly failed: (error: unknown) => HoldfastError;
  readonly corrupt: (position: number, bytes: number) => void;
}

export class BlobReader implements BlobSource {
  readonly lengthBytes: number;
  readonly info: BlobInfo;
  readonly #options: BlobReaderOptions;

  constructor(options: BlobReaderOptions) {
    this.#options = options;
    this.info = options.end.info;
    this.lengthBytes = options.end.info.lengthBytes;
  }

  async read(into: Buffer, offset: number, length: number, position: number): Promise<void> {
    const end = position + length;
    if (position < 0 || length < 0 || end > this.lengthBytes || offset + length > into.length) {
      throw new HoldfastError('invalid-argument', 'a read of a blob goes beyond its end or the buffer');
    }
    const wholeStart = Math.min(end, Math.ceil(position / BLOCK_BYTES) * BLOCK_BYTES);
    // The last block may be shorter and is whole all the same.
    const wholeEnd = end === this.lengthBytes ? end : Math.max(wholeStart, end - (end % BLOCK_BYTES));
    if (wholeStart > position) {
      // The start lies within a block; so may the end.
      const bytes = Math.min(end, wholeStart) - position;
      await this.#readPart(into, offset, bytes, position);
    }
    if (wholeEnd > wholeStart)
      await this.#readBlocks(into, offset + wholeStart - position, wholeEnd - wholeStart, wholeStart);
    if (end > wholeEnd) {
      await this.#readPart(into, offset + wholeEnd - position, end - wholeEnd, wholeEnd);
    }
  }

  close(): Promise<void> {
    return this.#options.file.close();
  }

  /** Whole blocks, straight to where they are wanted. */
  async #readBlocks(into: Buffer, offset: number, length: number, position: number): Promise<void> {
    await this.#fill(into, offset, length, position);
    for (let at = 0; at < length; at += BLOCK_BYTES) {
      const bytes = Math.min(BLOCK_BYTES, length - at);
      const block = into.subarray(offset + at, offset + at + bytes);
      if (crc32c(block) === this.#checksumAt(position + at)) continue;
      // What failed is not given out, not even by a caller that ignores the error; nor is what stands behind it unchecked.
      into.fill(0, offset + at, offset + length);
      throw this.#corrupt(position + at, bytes);
    }
  }

  /** A part of one block: the block is read and checked whole beside it. */
  async #readPart(into: Buffer, offset: number, length: number, position: number): Promise<void> {
    const blockStart = position - (position % BLOCK_BYTES);
    const blockBytes = Math.min(BLOCK_BYTES, this.lengthBytes - blockStart);
    const block = Buffer.allocUnsafe(blockBytes);
    await this.#fill(block, 0, blockBytes, blockStart);
    if (crc32c(block) !== this.#checksumAt(blockStart)) throw this.#corrupt(blockStart, blockBytes);
    block.copy(into, offset, position - blockStart, position - blockStart + length);
  }

  async #fill(into: Buffer, offset: number, length: number, position: number): Promise<void> {
    let had: number;
    try {
      had = await this.#options.file.read(into, offset, length, BLOB_HEADER_BYTES + position);
    } catch (error) {
      throw this.#options.failed(error);
    }
    if (had !== length) throw this.#corrupt(position, length);
  }

  #checksumAt(position: number): number {
    return this.#options.end.table.readUInt32BE((position / BLOCK_BYTES) * CHECKSUM_BYTES);
  }

  #corrupt(position: number, bytes: number): HoldfastError {
    this.#options.corrupt(position, bytes);
    return new HoldfastError('data-corrupt', `blob ${this.info.id} failed its checksum at ${position}`);
  }
}
