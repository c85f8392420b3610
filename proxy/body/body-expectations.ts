/**
 * What a request's headers promise of its body's content, and the check of it
 * (Amazon S3 User Guide, "Checking object integrity"; RFC 1864 for Content-MD5).
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { PayloadMode } from '#proxy/auth/authentication.ts';
import { malformedTrailer } from './aws-chunked.ts';
import type { DigestAlgorithm, DigestValues } from './digester.ts';
import { BodyError, type BodyDigests, type ChecksumAlgorithm, checksumAlgorithms } from './request-body.ts';
import { TRAILER_SIGNATURE } from './trailer.ts';

const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
  sha1: 20,
  sha256: 32,
};
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export interface BodyExpectations {
  /** 32 lower-case hexadecimal digits. */
  readonly md5Hex: string | undefined;
  readonly payloadSha256Hex: string | undefined;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly base64: string } | undefined;
  /** Promised to come in the trailer. */
  readonly trailerChecksum: ChecksumAlgorithm | undefined;
  /** To be computed although nobody promised it. */
  readonly computed: ChecksumAlgorithm | undefined;
}

export interface ExpectationOptions {
  /** Whether x-amz-checksum-* headers are of this body; CompleteMultipartUpload has those of the whole object. */
  readonly checksumsOfBody: boolean;
  /** Computed for a body that comes without a checksum. */
  readonly checksumByDefault?: ChecksumAlgorithm | undefined;
}

/** Throws `InvalidDigest` or `InvalidRequest` when a promise is not well formed. */
export function readExpectations(
  headers: IncomingHttpHeaders,
  payload: PayloadMode,
  options: ExpectationOptions,
): BodyExpectations {
  const checksum = options.checksumsOfBody ? headerChecksum(headers) : undefined;
  const trailerChecksum = declaredTrailer(headers, payload);
  if (checksum !== undefined && trailerChecksum !== undefined) throw severalChecksums();
  return {
    md5Hex: contentMd5(headers['content-md5']),
    payloadSha256Hex: payload.kind === 'signed' ? payload.sha256Hex : undefined,
    checksum,
    trailerChecksum,
    computed: checksum === undefined && trailerChecksum === undefined ? options.checksumByDefault : undefined,
  };
}

/** MD5 first: it is the slowest, and every object has one. */
export function expectedAlgorithms(expectations: BodyExpectations): DigestAlgorithm[] {
  const algorithms = new Set<DigestAlgorithm>(['md5']);
  const checksum = expectations.checksum?.algorithm ?? expectations.trailerChecksum ?? expectations.computed;
  if (checksum !== undefined) algorithms.add(checksum);
  if (expectations.payloadSha256Hex !== undefined) algorithms.add('sha256');
  return [...algorithms];
}

/** Throws what S3 says when a promise is broken. */
export function checkExpectations(
  expectations: BodyExpectations,
  values: DigestValues,
  lengthBytes: number,
  trailer: ReadonlyMap<string, string>,
): BodyDigests {
  const { payloadSha256Hex, md5Hex: promisedMd5 } = expectations;
  if (payloadSha256Hex !== undefined && values.sha256 !== payloadSha256Hex) {
    throw new BodyError(
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
      { ClientComputedContentSHA256: payloadSha256Hex, S3ComputedContentSHA256: values.sha256 ?? '' },
    );
  }
  const md5Hex = values.md5 ?? '';
  if (promisedMd5 !== undefined && promisedMd5 !== md5Hex) {
    throw new BodyError('BadDigest', 'The Content-MD5 you specified did not match what we received.', {
      ExpectedDigest: promisedMd5,
      CalculatedDigest: md5Hex,
    });
  }
  const checksum = expectations.checksum ?? trailerChecksum(expectations.trailerChecksum, trailer);
  const { computed } = expectations;
  if (checksum === undefined) {
    const checksums = computed === undefined ? {} : { [computed]: base64FromHex(values[computed] ?? '') };
    return { lengthBytes, md5Hex, checksums };
  }
  const { algorithm, base64 } = checksum;
  if (base64FromHex(values[algorithm] ?? '') !== base64) throw badChecksum(algorithm);
  return { lengthBytes, md5Hex, checksums: { [algorithm]: base64 } };
}

function contentMd5(value: string | string[] | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && isBase64Of(value, 16)) return Buffer.from(value, 'base64').toString('hex');
  throw new BodyError('InvalidDigest', 'The Content-MD5 you specified was invalid.', {
    'Content-MD5': String(value).slice(0, 128),
  });
}

function headerChecksum(headers: IncomingHttpHeaders): BodyExpectations['checksum'] {
  let found: BodyExpectations['checksum'];
  for (const algorithm of checksumAlgorithms) {
    const value = headers[`x-amz-checksum-${algorithm}`];
    if (value === undefined) continue;
    if (found !== undefined) throw severalChecksums();
    if (typeof value !== 'string' || !isBase64Of(value, CHECKSUM_BYTES[algorithm])) {
      throw invalidChecksum(`x-amz-checksum-${algorithm}`);
    }
    found = { algorithm, base64: value };
  }
  return found;
}

function declaredTrailer(headers: IncomingHttpHeaders, payload: PayloadMode): ChecksumAlgorithm | undefined {
  const value = headers['x-amz-trailer'];
  if (value === undefined) return undefined;
  const hasTrailer =
    payload.kind === 'unsigned-chunks' || (payload.kind === 'signed-chunks' && payload.trailer);
  const name = String(value).trim().toLowerCase();
  const algorithm = checksumAlgorithms.find((known) => name === `x-amz-checksum-${known}`);
  if (hasTrailer && algorithm !== undefined) return algorithm;
  throw new BodyError('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported');
}

function trailerChecksum(
  algorithm: ChecksumAlgorithm | undefined,
  trailer: ReadonlyMap<string, string>,
): BodyExpectations['checksum'] {
  const declared = algorithm === undefined ? undefined : `x-amz-checksum-${algorithm}`;
  for (const name of trailer.keys()) {
    if (name !== declared && name !== TRAILER_SIGNATURE) throw malformedTrailer();
  }
  if (algorithm === undefined || declared === undefined) return undefined;
  const base64 = trailer.get(declared);
  if (base64 === undefined) throw malformedTrailer();
  if (!isBase64Of(base64, CHECKSUM_BYTES[algorithm])) throw invalidChecksum(declared);
  return { algorithm, base64 };
}

function isBase64Of(text: string, bytes: number): boolean {
  return (
    text.length === Math.ceil(bytes / 3) * 4 &&
    BASE64.test(text) &&
    Buffer.byteLength(text, 'base64') === bytes
  );
}

function base64FromHex(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

function severalChecksums(): BodyError {
  return new BodyError(
    'InvalidRequest',
    'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
  );
}

function invalidChecksum(name: string): BodyError {
  return new BodyError('InvalidRequest', `Value for ${name} header is invalid.`);
}

function badChecksum(algorithm: ChecksumAlgorithm): BodyError {
  return new BodyError(
    'BadDigest',
    `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`,
  );
}
