/**
 * The canonical request (AWS General Reference, "Create a signed AWS API request", step 1; Amazon S3 API Reference,
 * "Authenticating Requests: Using the Authorization Header").
 *
 *     method LF path LF query LF (name ":" value LF)* LF signed names LF payload hash
 *
 * S3 neither normalises the path nor encodes it twice. All text is Latin-1: each character is one byte as received.
 */
import { hash } from 'node:crypto';
import { type HeaderMap, foldedValue } from './request-headers.ts';

export interface CanonicalParts {
  readonly method: string;
  readonly path: string;
  /** In canonical form: see `canonicalQuery`. */
  readonly query: string;
  readonly headers: HeaderMap;
  readonly signedHeaders: readonly string[];
  readonly signedHeadersText: string;
  readonly payloadHash: string;
}

export function canonicalRequest(parts: CanonicalParts): string {
  let text = `${parts.method}\n${parts.path}\n${parts.query}\n`;
  for (const name of parts.signedHeaders) {
    const value = parts.headers.get(name);
    text += `${name}:${value === undefined ? '' : foldedValue(value)}\n`;
  }
  return `${text}\n${parts.signedHeadersText}\n${parts.payloadHash}`;
}

/**
 * The parameters sorted by name, then by value, each with an equals sign. Parameters are taken as they were received.
 * @param leaveOut the name of a parameter that is not signed: the signature itself.
 */
export function canonicalQuery(rawQuery: string, leaveOut?: string): string {
  if (rawQuery === '') return '';
  const parameters: [name: string, value: string][] = [];
  for (const parameter of rawQuery.split('&')) {
    if (parameter === '') continue;
    const equals = parameter.indexOf('=');
    const name = equals < 0 ? parameter : parameter.slice(0, equals);
    if (name !== leaveOut) parameters.push([name, equals < 0 ? '' : parameter.slice(equals + 1)]);
  }
  if (parameters.length > 1) parameters.sort(compareParameters);
  let text = '';
  for (const [name, value] of parameters) text += text === '' ? `${name}=${value}` : `&${name}=${value}`;
  return text;
}

function compareParameters(a: readonly [string, string], b: readonly [string, string]): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  if (a[1] === b[1]) return 0;
  return a[1] < b[1] ? -1 : 1;
}

/**
 * The text with every byte encoded as SigV4's UriEncode does it: unreserved characters (RFC 3986, section 2.3) bare, all
 * others `%XX`. What was encoded otherwise becomes uniform; a stray `%` becomes `%25`. Never throws.
 */
export function uniformlyEncoded(text: string, kind: 'path' | 'query'): string {
  let encoded = '';
  for (let index = 0; index < text.length; index++) {
    let byte = text.charCodeAt(index) & 0xff;
    if (byte === 0x25 && /^[0-9A-Fa-f]{2}$/.test(text.slice(index + 1, index + 3))) {
      byte = Number.parseInt(text.slice(index + 1, index + 3), 16);
      index += 2;
    } else if (kind === 'query' && byte === 0x2b) {
      byte = 0x20;
    } else if (byte === 0x2f && kind === 'path') {
      encoded += '/';
      continue;
    } else if (kind === 'query' && (byte === 0x26 || byte === 0x3d)) {
      encoded += String.fromCharCode(byte);
      continue;
    }
    encoded += encodedByte(byte, kind);
  }
  return encoded;
}

function encodedByte(byte: number, kind: 'path' | 'query'): string {
  const character = String.fromCharCode(byte);
  if (/^[A-Za-z0-9\-._~]$/.test(character) || (kind === 'path' && byte === 0x2f)) return character;
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** The SHA-256 of text whose characters are bytes, in hexadecimal. Hashing bytes is cheaper than hashing a string. */
export function hashLatin1(text: string): string {
  return hash('sha256', Buffer.from(text, 'latin1'));
}
