/** Where a listing goes on, as an opaque word for the client. */
import type { ListingStart } from '#cluster/cluster.ts';
import { invalidArgument } from './errors.ts';
import { TEXT_BYTES_MAX } from './list-parameters.ts';

const TOKEN_CHARACTERS_MAX = Math.ceil(((1 + TEXT_BYTES_MAX) * 4) / 3);

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
  const plausible = /^[\w-]+$/.test(token) && token.length <= TOKEN_CHARACTERS_MAX;
  const text = plausible ? Buffer.from(token, 'base64url').toString('utf8') : '';
  const name = text.slice(1);
  if (text.startsWith('n')) return { after: name };
  if (text.startsWith('p')) return { afterPrefix: name };
  throw invalidArgument('The continuation token provided is incorrect', 'continuation-token', token);
}
