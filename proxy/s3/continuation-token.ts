/** Where a listing goes on, as an opaque word for the client. */
import type { ListingStart } from '#cluster/cluster.ts';
import { invalidArgument } from './errors.ts';

/** A kind, `n` for a name and `p` for a common prefix, then the text; base64url. */
export function encodeToken(start: ListingStart): string {
  const text =
    'after' in start
      ? `n${start.after}`
      : 'afterPrefix' in start
        ? `p${start.afterPrefix}`
        : `f${start.from}`;
  return Buffer.from(text).toString('base64url');
}

export function decodeToken(token: string): ListingStart {
  const text = /^[\w-]+$/.test(token) ? Buffer.from(token, 'base64url').toString('utf8') : '';
  const name = text.slice(1);
  if (text.startsWith('n')) return { after: name };
  if (text.startsWith('p')) return { afterPrefix: name };
  throw invalidArgument('The continuation token provided is incorrect', 'continuation-token', token);
}
