/** The values of `x-amz-content-sha256` (Amazon S3 API Reference, "Authenticating Requests", Overview). */
import { AuthenticationError, type ChunkSigning, type PayloadMode } from './authentication.ts';

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
const SIGNED_CHUNKS = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
const SIGNED_CHUNKS_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
const UNSIGNED_CHUNKS_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
const HEX_64 = /^[0-9a-fA-F]{64}$/;

const UNSIGNED_MODE: PayloadMode = Object.freeze({ kind: 'unsigned' });
const UNSIGNED_CHUNKS_MODE: PayloadMode = Object.freeze({ kind: 'unsigned-chunks' });

/** Whether the value is one that can be signed at all; throws `InvalidArgument` when it is not. */
export function checkPayloadHash(value: string): void {
  const known =
    value === UNSIGNED_PAYLOAD ||
    value === SIGNED_CHUNKS ||
    value === SIGNED_CHUNKS_TRAILER ||
    value === UNSIGNED_CHUNKS_TRAILER ||
    HEX_64.test(value);
  if (known) return;
  throw new AuthenticationError(
    'InvalidArgument',
    `x-amz-content-sha256 must be ${UNSIGNED_PAYLOAD}, ${UNSIGNED_CHUNKS_TRAILER}, ${SIGNED_CHUNKS}, ` +
      `${SIGNED_CHUNKS_TRAILER} or a valid sha256 value.`,
    { ArgumentName: 'x-amz-content-sha256', ArgumentValue: value.slice(0, 256) },
  );
}

/** @param signing makes the first link of the chunks' chain; undefined when the request is anonymous. */
export function payloadMode(value: string, signing: (() => ChunkSigning) | undefined): PayloadMode {
  checkPayloadHash(value);
  if (value === UNSIGNED_PAYLOAD) return UNSIGNED_MODE;
  if (value === UNSIGNED_CHUNKS_TRAILER) return UNSIGNED_CHUNKS_MODE;
  if (value !== SIGNED_CHUNKS && value !== SIGNED_CHUNKS_TRAILER) {
    return { kind: 'signed', sha256Hex: value.toLowerCase() };
  }
  if (signing === undefined) {
    throw new AuthenticationError('InvalidRequest', 'A body of signed chunks needs a signed request.');
  }
  return { kind: 'signed-chunks', signing: signing(), trailer: value === SIGNED_CHUNKS_TRAILER };
}
