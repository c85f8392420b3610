/**
 * The access list of a container, `X-Container-Read` or `X-Container-Write`: users (`account:user`), accounts, referrers
 * (`.r:*`, `.r:.example.com`, `.r:-evil.example.com`) and `.rlistings` (Object Storage API guide, "Access control lists").
 */
import { SwiftError } from '../errors.ts';

const REFERRER_WORDS: ReadonlySet<string> = new Set(['.r', '.ref', '.referer', '.referrer']);

export interface ContainerAcl {
  /** Hosts and domains in the order in which they apply; a leading `-` refuses. */
  readonly referrers: readonly string[];
  readonly groups: ReadonlySet<string>;
}

/** The list in its normal form, as it is stored and shown. Throws 400. */
export function normalizeAcl(header: string, value: string): string {
  const items: string[] = [];
  for (const part of value.split(',')) {
    const item = part.trim();
    if (item === '') continue;
    const colon = item.indexOf(':');
    const first = colon < 0 ? '' : item.slice(0, colon).trim();
    items.push(
      first.startsWith('.') ? referrerItem(header, item, first, item.slice(colon + 1).trim()) : item,
    );
  }
  return items.join(',');
}

function referrerItem(header: string, item: string, first: string, second: string): string {
  if (!REFERRER_WORDS.has(first)) throw refused(`Unknown designator '${first}' in ACL: '${item}'`);
  if (header.includes('write')) throw refused(`Referrers not allowed in write ACL: '${item}'`);
  const refuses = second.startsWith('-');
  let domain = refuses ? second.slice(1).trim() : second;
  while (domain !== '*' && domain.startsWith('*')) domain = domain.slice(1).trim();
  if (domain === '' || domain === '.')
    throw refused(`No host/domain value after referrer designation in ACL: '${item}'`);
  return `.r:${refuses ? '-' : ''}${domain}`;
}

function refused(text: string): SwiftError {
  return new SwiftError(400, text);
}

export function parseAcl(value: string | undefined): ContainerAcl {
  const referrers: string[] = [];
  const groups = new Set<string>();
  for (const item of (value ?? '').split(',')) {
    if (item.startsWith('.r:')) referrers.push(item.slice(3));
    else if (item !== '') groups.add(decoded(item));
  }
  return { referrers, groups };
}

/** Names outside of ASCII are percent-encoded in a header. */
function decoded(item: string): string {
  try {
    return decodeURIComponent(item);
  } catch {
    return item;
  }
}

/** @param referer the header's value. The last item that fits decides. */
export function isReferrerAllowed(referer: string | undefined, referrers: readonly string[]): boolean {
  if (referrers.length === 0) return false;
  const host = hostOf(referer);
  let allowed = false;
  for (const item of referrers) {
    const refuses = item.startsWith('-');
    const pattern = refuses ? item.slice(1) : item;
    const fits = pattern === host || (pattern.startsWith('.') && host.endsWith(pattern));
    if (fits || (pattern === '*' && !refuses)) allowed = !refuses;
  }
  return allowed;
}

function hostOf(referer: string | undefined): string {
  if (referer === undefined || !URL.canParse(referer)) return 'unknown';
  const { hostname } = new URL(referer);
  return hostname === '' ? 'unknown' : hostname;
}
