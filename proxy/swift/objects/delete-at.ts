/** X-Delete-At and X-Delete-After (OpenStack Object Storage API, "Expiring object support"). */
import type { HeaderOf } from '#proxy/http/conditions.ts';
import { badRequest } from '../errors.ts';

const SECONDS_MAX = 9_999_999_999;

/** Seconds since 1970 at which the object goes; undefined when it stays. */
export function parseDeleteAt(header: HeaderOf, nowMs: number): number | undefined {
  const nowSeconds = Math.floor(nowMs / 1000);
  const after = header('x-delete-after');
  if (after !== undefined && after !== '') {
    const seconds = integer(after, 'X-Delete-After');
    if (seconds < 0) throw badRequest('X-Delete-After in past');
    return Math.min(SECONDS_MAX, nowSeconds + seconds);
  }
  const at = header('x-delete-at');
  if (at === undefined || at === '') return undefined;
  const seconds = Math.min(SECONDS_MAX, integer(at, 'X-Delete-At'));
  if (seconds < nowSeconds) throw badRequest('X-Delete-At in past');
  return seconds;
}

/** X-If-Delete-At of a DELETE: it takes effect only on an object that expires at this very second. */
export function parseIfDeleteAt(header: HeaderOf): number | undefined {
  const text = header('x-if-delete-at');
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badRequest('Bad X-If-Delete-At header value');
}

function integer(text: string, name: string): number {
  if (/^\s*[+-]?\d+\s*$/.test(text)) return Number(text);
  throw badRequest(`Non-integer ${name}`);
}
