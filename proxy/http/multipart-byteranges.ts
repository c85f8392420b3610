/** Several ranges in one answer: `multipart/byteranges` (RFC 9110, section 14.6; the framing is RFC 2046's). */
import type { ByteRange } from './byte-range.ts';

export interface MultipartByteRanges {
  /** The answer's. */
  readonly contentType: string;
  readonly lengthBytes: number;
  /** What goes ahead of each range's bytes. */
  readonly preambles: readonly Buffer[];
  /** What follows the last range. */
  readonly end: Buffer;
}

/**
 * @param boundary letters and digits that no body holds by chance.
 * @param contentType the representation's own, as a header carries it.
 */
export function multipartByteRanges(
  ranges: readonly ByteRange[],
  sizeBytes: number,
  contentType: string,
  boundary: string,
): MultipartByteRanges {
  const preambles = ranges.map(({ start, end }, index) =>
    Buffer.from(
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${contentType}\r\n` +
        `Content-Range: bytes ${start}-${end - 1}/${sizeBytes}\r\n\r\n`,
      'latin1',
    ),
  );
  const end = Buffer.from(`\r\n--${boundary}--`);
  let lengthBytes = end.length;
  for (const preamble of preambles) lengthBytes += preamble.length;
  for (const range of ranges) lengthBytes += range.end - range.start;
  return { contentType: `multipart/byteranges;boundary=${boundary}`, lengthBytes, preambles, end };
}
