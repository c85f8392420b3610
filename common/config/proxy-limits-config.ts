/** What a proxy takes at once: of its role's file, and of a cluster's. */
import { defaultTo } from './schema.ts';
import { integer } from './values.ts';

/** Twice what a crowd of slow clients was measured with, and under the connections that a process accepts. */
export const REQUESTS_MAX_DEFAULT = 4000;

export const proxyRequestsMax = defaultTo(
  REQUESTS_MAX_DEFAULT,
  integer(1, 100_000),
  'Requests that a process has under way at once; one more is answered 503 SlowDown before its body is read.',
);
