/** The additional checksums of objects and parts (Amazon S3 User Guide, "Checking object integrity"). */
import type { IncomingHttpHeaders } from 'node:http';
import { digestsOf } from '#proxy/body/digester.ts';
import { type ChecksumAlgorithm, type Checksums, checksumAlgorithms } from '#proxy/body/request-body.ts';
import type { PartChecksum } from '#proxy/objects/part-record.ts';
import type { ChecksumPlan, ChecksumType, StoredChecksum } from '#proxy/objects/stored-checksum.ts';
import { type CombinableCrc, CrcCombiner } from './crc-combine.ts';
import { invalidArgument, S3Error } from './errors.ts';
import type { FlatHeaders } from './reply.ts';
import type { XmlWriter } from './xml/writer.ts';

const headerNames: Readonly<Record<ChecksumAlgorithm, string>> = {
  crc32: 'x-amz-checksum-crc32',
  crc32c: 'x-amz-checksum-crc32c',
  crc64nvme: 'x-amz-checksum-crc64nvme',
  sha1: 'x-amz-checksum-sha1',
  sha256: 'x-amz-checksum-sha256',
};

/** As XML elements name them. */
export const elementNames: Readonly<Record<ChecksumAlgorithm, string>> = {
  crc32: 'ChecksumCRC32',
  crc32c: 'ChecksumCRC32C',
  crc64nvme: 'ChecksumCRC64NVME',
  sha1: 'ChecksumSHA1',
  sha256: 'ChecksumSHA256',
};

/** Of what comes without a checksum: S3 gives it one since 2024, which the parts' make up for a multipart object. */
export const DEFAULT_CHECKSUM = 'crc64nvme';

export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return headerNames[algorithm];
}

export function parseAlgorithm(text: string, header: string): ChecksumAlgorithm {
  const found = checksumAlgorithms.find((name) => name === text.toLowerCase());
  if (found === undefined) throw invalidArgument('Checksum algorithm provided is unsupported.', header, text);
  return found;
}

/** The one checksum that a body was declared to have. */
export function declaredChecksum(checksums: Checksums): PartChecksum | undefined {
  for (const algorithm of checksumAlgorithms) {
    const value = checksums[algorithm];
    if (value !== undefined) return { algorithm, value };
  }
  return undefined;
}

/** What an upload's checksums are to be (CreateMultipartUpload, `x-amz-checksum-algorithm` and `-type`). */
export function checksumPlan(headers: IncomingHttpHeaders): ChecksumPlan | undefined {
  const named = headers['x-amz-checksum-algorithm'];
  const wanted = headers['x-amz-checksum-type'];
  if (named === undefined) {
    if (wanted === undefined) return undefined;
    throw new S3Error(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    );
  }
  const algorithm = parseAlgorithm(String(named), 'x-amz-checksum-algorithm');
  const type =
    wanted === undefined
      ? algorithm === 'crc64nvme'
        ? 'FULL_OBJECT'
        : 'COMPOSITE'
      : String(wanted).toUpperCase();
  if (type !== 'FULL_OBJECT' && type !== 'COMPOSITE') {
    throw invalidArgument('Value for x-amz-checksum-type header is invalid.', 'x-amz-checksum-type', type);
  }
  const possible = type === 'FULL_OBJECT' ? algorithm.startsWith('crc') : algorithm !== 'crc64nvme';
  if (!possible) {
    throw new S3Error(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
    );
  }
  return { algorithm, type };
}

interface SummedPart {
  readonly sizeBytes: number;
  readonly checksum: PartChecksum | undefined;
}

/** The object's checksum from its parts'; undefined when a part has none of the planned kind. */
export function assembledChecksum(
  plan: ChecksumPlan | undefined,
  parts: readonly SummedPart[],
): StoredChecksum | undefined {
  const { algorithm, type } = plan ?? { algorithm: DEFAULT_CHECKSUM, type: 'FULL_OBJECT' };
  const values: Buffer[] = [];
  for (const { checksum } of parts) {
    if (checksum?.algorithm !== algorithm) return undefined;
    values.push(Buffer.from(checksum.value, 'base64'));
  }
  if (type === 'COMPOSITE') {
    const hex = digestsOf([algorithm], Buffer.concat(values))[algorithm] ?? '';
    return { algorithm, type, value: `${Buffer.from(hex, 'hex').toString('base64')}-${parts.length}` };
  }
  const combiner = new CrcCombiner(algorithm as CombinableCrc);
  let crc = 0n;
  for (const [index, value] of values.entries()) {
    crc = combiner.combine(crc, BigInt(`0x${value.toString('hex')}`), parts[index]?.sizeBytes ?? 0);
  }
  const hex = crc.toString(16).padStart(combiner.bytes * 2, '0');
  return { algorithm, type, value: Buffer.from(hex, 'hex').toString('base64') };
}

export function pushChecksum(into: FlatHeaders, checksum: PartChecksum | StoredChecksum | undefined): void {
  if (checksum === undefined) return;
  into.push(headerNames[checksum.algorithm], checksum.value);
  if ('type' in checksum) into.push('x-amz-checksum-type', checksum.type);
}

export function writeChecksum(xml: XmlWriter, checksum: PartChecksum | StoredChecksum | undefined): void {
  if (checksum === undefined) return;
  xml.element(elementNames[checksum.algorithm], checksum.value);
  if ('type' in checksum) xml.element('ChecksumType', checksum.type satisfies ChecksumType);
}
