/** CompleteMultipartUpload (Amazon S3 API Reference). */
import type { Checksums } from '#proxy/body/request-body.ts';
import { checksumAlgorithms } from '#proxy/body/request-body.ts';
import { type ChosenParts, completeUpload } from '#proxy/objects/complete-upload.ts';
import { PART_NUMBER_MAX } from '#proxy/objects/part-record.ts';
import type { UploadRecord } from '#proxy/objects/upload-record.ts';
import type { NumberedPart } from '#proxy/objects/upload-store.ts';
import { leaseOf } from '../bucket-of.ts';
import { assembledChecksum, checksumHeader, elementNames, writeChecksum } from '../checksums.ts';
import { conditionError, writeCondition } from '../conditions.ts';
import type { S3Context } from '../context.ts';
import { S3Error } from '../errors.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation, S3Request } from '../request.ts';
import { noSuchUpload, uploadIdOf } from '../upload-of.ts';
import { pushWritten } from '../version-headers.ts';
import { childText, readXml, type XmlElement } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';

const BODY_BYTES_MAX = 4 * 1024 * 1024;
const OBJECT_BYTES_MAX = 5 * 1024 ** 4;

interface NamedPart {
  readonly number: number;
  readonly etag: string;
  readonly checksums: Checksums;
}

export const completeMultipartUpload: Operation = async (request, context) => {
  const { key } = request;
  const uploadId = uploadIdOf(request);
  const condition = writeCondition((name) => request.header(name));
  const lease = await leaseOf(request, context);
  // The checksum headers are the object's here, and not the list's.
  const named = readParts(await request.openBody(context, { ignoreChecksums: true }).readAll(BODY_BYTES_MAX));
  const completed = await completeUpload(context, lease, {
    key,
    uploadId,
    ...(condition === undefined ? {} : { condition }),
    choose: (upload, parts) => choose(request, context, named, upload, parts),
  });
  if (completed.outcome === 'no-upload') throw noSuchUpload(uploadId);
  if (completed.outcome === 'busy') {
    throw new S3Error('ServiceUnavailable', 'The upload is being completed by another request.', {
      headers: { 'Retry-After': '1' },
    });
  }
  if (completed.outcome !== 'done') throw conditionError(completed.outcome, condition);
  const xml = new XmlWriter('CompleteMultipartUploadResult');
  xml.element('Location', `http://${request.header('host') ?? ''}${request.rawPath}`);
  xml.element('Bucket', request.bucket).element('Key', key).element('ETag', `"${completed.etag}"`);
  writeChecksum(xml, completed.checksum);
  const headers: FlatHeaders = [];
  pushWritten(headers, completed);
  request.reply.xml(200, xml.done(), headers);
};

function readParts(body: Buffer): NamedPart[] {
  const root = readXml(body);
  if (root.name !== 'CompleteMultipartUpload') throw new S3Error('MalformedXML');
  const parts = root.children.filter((child) => child.name === 'Part').map(readPart);
  if (parts.length === 0 || parts.length > PART_NUMBER_MAX) throw new S3Error('MalformedXML');
  const named: NamedPart[] = [];
  for (const part of parts) {
    const before = named.at(-1)?.number ?? 0;
    if (part.number < before) throw new S3Error('InvalidPartOrder');
    // A part that was sent again may be named again: what was named last counts.
    if (part.number === before) named.pop();
    named.push(part);
  }
  return named;
}

function readPart(element: XmlElement): NamedPart {
  const number = childText(element, 'PartNumber')?.trim() ?? '';
  const etag = childText(element, 'ETag')?.trim();
  if (
    !/^\d{1,5}$/.test(number) ||
    Number(number) < 1 ||
    Number(number) > PART_NUMBER_MAX ||
    etag === undefined
  ) {
    throw new S3Error('MalformedXML');
  }
  const checksums: Partial<Record<(typeof checksumAlgorithms)[number], string>> = {};
  for (const algorithm of checksumAlgorithms) {
    const value = childText(element, elementNames[algorithm])?.trim();
    if (value !== undefined) checksums[algorithm] = value;
  }
  return { number: Number(number), etag: etag.replaceAll('"', ''), checksums };
}

function choose(
  request: S3Request,
  context: S3Context,
  named: readonly NamedPart[],
  upload: UploadRecord,
  parts: readonly NumberedPart[],
): ChosenParts {
  const byNumber = new Map(parts.map((part) => [part.number, part]));
  const chosen = named.map((name) => {
    const part = byNumber.get(name.number);
    if (part === undefined || part.md5Hex !== name.etag || !sameChecksum(name, part)) {
      const fields = {
        UploadId: uploadIdOf(request),
        PartNumber: String(name.number),
        ETag: name.etag.slice(0, 128),
      };
      throw new S3Error('InvalidPart', undefined, { fields });
    }
    return part;
  });
  checkSizes(request, context, chosen);
  const checksum = assembledChecksum(upload.checksum, chosen);
  if (checksum !== undefined) {
    const announced = request.header(checksumHeader(checksum.algorithm));
    if (announced !== undefined && announced !== checksum.value) throw new S3Error('BadDigest');
  }
  return { parts: chosen, checksum };
}

function sameChecksum(named: NamedPart, { checksum }: NumberedPart): boolean {
  if (checksum === undefined) return true;
  const value = named.checksums[checksum.algorithm];
  return value === undefined || value === checksum.value;
}

function checkSizes(request: S3Request, context: S3Context, chosen: readonly NumberedPart[]): void {
  let sizeBytes = 0;
  for (const [index, part] of chosen.entries()) {
    sizeBytes += part.sizeBytes;
    if (part.sizeBytes >= context.partBytesMin || index === chosen.length - 1) continue;
    const fields = {
      ETag: part.md5Hex,
      PartNumber: String(part.number),
      ProposedSize: String(part.sizeBytes),
      MinSizeAllowed: String(context.partBytesMin),
    };
    throw new S3Error('EntityTooSmall', undefined, { fields });
  }
  if (sizeBytes > OBJECT_BYTES_MAX) throw new S3Error('EntityTooLarge');
  const announced = request.header('x-amz-mp-object-size');
  if (announced === undefined || Number(announced) === sizeBytes) return;
  throw new S3Error(
    'InvalidRequest',
    `The provided 'x-amz-mp-object-size' header does not match what was computed.`,
  );
}
