/**
 * What browsers ask before they let a page of another origin use a container (Fetch standard, "CORS protocol"; Object
 * Storage API guide, "CORS"). A container's metadata says which origins it lets in.
 */
import type { FlatHeaders } from './reply.ts';

const ALLOW_ORIGIN = 'access-control-allow-origin';
const EXPOSE_HEADERS = 'access-control-expose-headers';
const MAX_AGE = 'access-control-max-age';
/** These need no mention: every page may read them, or no page may. */
const NEVER_EXPOSED: ReadonlySet<string> = new Set(['set-cookie', 'set-cookie2']);
const ALWAYS_EXPOSED = [
  'cache-control',
  'content-language',
  'content-type',
  'expires',
  'last-modified',
  'pragma',
  'etag',
  'x-timestamp',
  'x-trans-id',
  'x-openstack-request-id',
];

/** The metadata of a container, by lower-case name without `x-container-meta-`. */
export type ContainerMetadata = Readonly<Record<string, string>>;

export function isOriginAllowed(metadata: ContainerMetadata, origin: string): boolean {
  const allowed = (metadata[ALLOW_ORIGIN] ?? '').split(' ').filter((word) => word !== '');
  return allowed.includes('*') || allowed.includes(origin);
}

export class CrossOrigin {
  readonly #origin: string;
  readonly #metadata: ContainerMetadata;

  private constructor(origin: string, metadata: ContainerMetadata) {
    this.#origin = origin;
    this.#metadata = metadata;
  }

  /** Undefined when the request is of no other origin, or of one that the container does not let in. */
  static of(origin: string | undefined, metadata: ContainerMetadata): CrossOrigin | undefined {
    if (origin === undefined || !isOriginAllowed(metadata, origin)) return undefined;
    return new CrossOrigin(origin, metadata);
  }

  /** @param sent the headers that the answer bears already. */
  headersFor(sent: FlatHeaders): FlatHeaders {
    const exposed = new Set(ALWAYS_EXPOSED);
    for (let at = 0; at < sent.length; at += 2) {
      const name = String(sent[at]).toLowerCase();
      if (/^x-(?:container|object)-meta-/.test(name)) exposed.add(name);
    }
    for (const name of (this.#metadata[EXPOSE_HEADERS] ?? '').split(' ')) {
      if (name !== '') exposed.add(name.toLowerCase());
    }
    const allowed = (this.#metadata[ALLOW_ORIGIN] ?? '').trim() === '*' ? '*' : this.#origin;
    const names = [...exposed].filter((name) => !NEVER_EXPOSED.has(name)).sort();
    const headers: FlatHeaders = ['Access-Control-Allow-Origin', allowed];
    if (allowed !== '*') headers.push('Vary', 'Origin');
    headers.push('Access-Control-Expose-Headers', names.join(', '));
    return headers;
  }
}

/** The answer to a preflight of an origin that is let in. */
export function preflightHeaders(
  metadata: ContainerMetadata,
  origin: string,
  methods: readonly string[],
  requestedHeaders: string | undefined,
): FlatHeaders {
  const allowed = (metadata[ALLOW_ORIGIN] ?? '').trim() === '*' ? '*' : origin;
  const headers: FlatHeaders = ['Access-Control-Allow-Origin', allowed];
  const maxAge = metadata[MAX_AGE];
  if (maxAge !== undefined) headers.push('Access-Control-Max-Age', maxAge);
  headers.push('Access-Control-Allow-Methods', methods.join(', '));
  if (requestedHeaders !== undefined) headers.push('Access-Control-Allow-Headers', requestedHeaders);
  headers.push(
    'Vary',
    allowed === '*' ? 'Access-Control-Request-Headers' : 'Origin, Access-Control-Request-Headers',
  );
  return headers;
}
