/** FAILED: code (2 + n), detail (2 + n, at most 1,024 bytes): what kept a request from being answered otherwise. */
import { ByteReader } from '#common/codec/byte-reader.ts';
import { type ErrorCode, HoldfastError, errorCodes, errorText } from '#common/errors.ts';
import { frameTypes } from '../frame.ts';
import { type EncodedMessage, smallMessage } from './message.ts';

const CODE_BYTES_MAX = 64;
const DETAIL_BYTES_MAX = 1024;

export interface Failed {
  readonly type: 'failed';
  readonly error: HoldfastError;
}

/** An error that is none of ours crosses as `device-failed`: the peer can do nothing else with it. */
export function encodeFailed(error: unknown): EncodedMessage {
  const code = Buffer.from(error instanceof HoldfastError ? error.code : 'device-failed');
  const detail = Buffer.from(errorText(error)).subarray(0, DETAIL_BYTES_MAX);
  return smallMessage(frameTypes.failed, 4 + code.length + detail.length, (into) =>
    into.short(code).short(detail),
  );
}

/** A code that is not known here is a newer peer's: the request has failed, and the connection is as good as before. */
export function decodeFailed(payload: Buffer): Failed {
  const from = new ByteReader(payload, 'protocol-violation');
  const code = from.short(CODE_BYTES_MAX).toString();
  const detail = from.short(DETAIL_BYTES_MAX).toString();
  from.end();
  if (Object.hasOwn(errorCodes, code))
    return { type: 'failed', error: new HoldfastError(code as ErrorCode, detail) };
  return { type: 'failed', error: new HoldfastError('device-failed', `${code}: ${detail}`) };
}
