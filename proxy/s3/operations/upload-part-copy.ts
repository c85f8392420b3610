/** UploadPartCopy (Amazon S3 API Reference). */
import type { DigestAlgorithm } from '#proxy/body/digester.ts';
import type { ByteRange } from '#proxy/http/byte-range.ts';
import { copyBytes } from '#proxy/objects/copy-bytes.ts';
import { readUpload, uploadKey, writePart } from '#proxy/objects/upload-store.ts';
import { leaseOf } from '../bucket-of.ts';
import { DEFAULT_CHECKSUM, writeChecksum } from '../checksums.ts';
import { openCopySource, pushSourceVersion } from '../copy-source.ts';
import { invalidArgument, S3Error } from '../errors.ts';
import { parsePartNumber } from '../object-reading.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation } from '../request.ts';
import { isoTime } from '../time-format.ts';
import { noSuchUpload, uploadIdOf } from '../upload-of.ts';
import { XmlWriter } from '../xml/writer.ts';

const PART_BYTES_MAX = 5 * 1024 ** 3;
const SOURCE_RANGE = /^bytes=(\d{1,15})-(\d{1,15})$/;

export const uploadPartCopy: Operation = async (request, context) => {
  const { key } = request;
  const { cluster } = context;
  const number = parsePartNumber(request.query.get('partNumber') ?? '');
  const uploadId = uploadIdOf(request);
  const lease = await leaseOf(request, context);
  const upload = await readUpload(cluster, lease.bucket, key, uploadId);
  if (upload === undefined || upload.completion !== undefined) throw noSuchUpload(uploadId);
  const source = await openCopySource(request, context);
  const range = sourceRange(request.header('x-amz-copy-source-range'), source.record.metadata.sizeBytes);
  const sizeBytes = range.end - range.start;
  if (sizeBytes > PART_BYTES_MAX) throw new S3Error('EntityTooLarge');
  const summed = upload.checksum?.algorithm ?? DEFAULT_CHECKSUM;
  const algorithms: DigestAlgorithm[] = ['md5', summed];
  const writer = cluster.bodies.write(uploadKey(lease.bucket, key, uploadId));
  const { stripes, digests } = await copyBytes(cluster, source.record, range, writer, algorithms);
  const hex = digests[summed] ?? '';
  const checksum = { algorithm: summed, value: Buffer.from(hex, 'hex').toString('base64') };
  const md5Hex = digests.md5 ?? '';
  const written = await writePart(cluster, lease, key, uploadId, {
    number,
    md5Hex,
    sizeBytes,
    checksum,
    stripes,
  });
  if (!written.open) throw noSuchUpload(uploadId);
  const xml = new XmlWriter('CopyPartResult').element('LastModified', isoTime(written.modifiedMs));
  xml.element('ETag', `"${md5Hex}"`);
  writeChecksum(xml, checksum);
  const headers: FlatHeaders = [];
  pushSourceVersion(headers, source);
  request.reply.xml(200, xml.done(), headers);
};

/** Both ends must be given, and lie within the source. */
function sourceRange(header: string | undefined, sizeBytes: number): ByteRange {
  if (header === undefined) return { start: 0, end: sizeBytes };
  const found = SOURCE_RANGE.exec(header);
  const start = Number(found?.[1]);
  const end = Number(found?.[2]) + 1;
  if (found === null || end <= start) {
    const message =
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy';
    throw invalidArgument(message, 'x-amz-copy-source-range', header);
  }
  if (end > sizeBytes) {
    const message = `Range specified is not valid for source object of size: ${sizeBytes}`;
    throw new S3Error('InvalidRange', message, { fields: { RangeRequested: header } });
  }
  return { start, end };
}
