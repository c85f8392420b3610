/** Times as Swift writes them. */
import { httpTime } from '#proxy/http/http-time.ts';
import { isoTime } from '#proxy/s3/time-format.ts';

/** `1700000000.12300`: seconds since 1970, in `X-Timestamp`. */
export function timestamp(ms: number): string {
  return `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, '0')}00`;
}

/** `2023-11-14T22:13:20.123000`: in listings, UTC without saying so. */
export function listingTime(ms: number): string {
  return `${isoTime(ms).slice(0, -1)}000`;
}

/** A date in a header has whole seconds: the next one, so that "not modified since" never hides a change. */
export function lastModified(ms: number): string {
  return httpTime(Math.ceil(ms / 1000) * 1000);
}
