/** A listing as plain text, JSON or XML. */
import { escapeXml } from '#proxy/s3/xml/writer.ts';
import { TextBuffer } from '#proxy/http/text-buffer.ts';
import type { FlatHeaders } from '../reply.ts';
import type { SwiftRequest } from '../request.ts';
import { type ListingType, listingTypeOf } from './listing-type.ts';

/** A fold shows its name alone; anything else has these fields, in the order in which XML has them. */
export type ListedItem =
  | { readonly subdir: string }
  | (Readonly<Record<string, string | number>> & { readonly name: string });

export interface ListingElements {
  /** The document's element, and that of an item. */
  readonly root: 'account' | 'container';
  readonly item: 'container' | 'object';
  /** What is listed. */
  readonly name: string;
  /** Whether a fold's element repeats its name within. */
  readonly subdirHasName: boolean;
}

/** The answer to a GET of an account or a container. */
export function sendListing(
  request: SwiftRequest,
  headers: FlatHeaders,
  items: Iterable<ListedItem>,
  elements: ListingElements,
): void {
  const type = listingTypeOf(request);
  pushVary(request, headers);
  const body = bodyOf(type, items, elements);
  if (body.length === 0) {
    headers.push('Content-Type', `${type}; charset=utf-8`);
    return request.reply.empty(204, headers);
  }
  request.reply.body(200, `${type}; charset=utf-8`, body, headers);
}

/** The answer to a HEAD of one: the same head, without a length that it could know. */
export function sendListingHead(request: SwiftRequest, headers: FlatHeaders): void {
  const type = listingTypeOf(request);
  pushVary(request, headers);
  headers.push('Content-Type', `${type}; charset=utf-8`);
  request.reply.empty(204, headers);
}

function pushVary(request: SwiftRequest, headers: FlatHeaders): void {
  if (!request.query.has('format')) headers.push('Vary', 'Accept');
}

function bodyOf(type: ListingType, items: Iterable<ListedItem>, elements: ListingElements): Buffer {
  const text = new TextBuffer();
  if (type === 'application/json') addJson(text, items);
  else if (type === 'text/plain') for (const item of items) text.add(`${nameOf(item)}\n`);
  else addXml(text, items, elements);
  return text.bytes();
}

function addJson(text: TextBuffer, items: Iterable<ListedItem>): void {
  let separator = '[';
  for (const item of items) {
    text.add(separator + JSON.stringify(item));
    separator = ',';
  }
  text.add(separator === '[' ? '[]' : ']');
}

function nameOf(item: ListedItem): string {
  return String('subdir' in item ? item.subdir : item.name);
}

function addXml(text: TextBuffer, items: Iterable<ListedItem>, elements: ListingElements): void {
  const { root, item: element, name, subdirHasName } = elements;
  text.add(`<?xml version="1.0" encoding="UTF-8"?>\n<${root} name="${escapeXml(name)}">`);
  for (const item of items) {
    if ('subdir' in item) {
      const subdir = escapeXml(String(item.subdir));
      text.add(`<subdir name="${subdir}">${subdirHasName ? `<name>${subdir}</name>` : ''}</subdir>`);
      continue;
    }
    const fields = Object.entries(item).map(
      ([field, value]) => `<${field}>${escapeXml(String(value))}</${field}>`,
    );
    text.add(`<${element}>${fields.join('')}</${element}>`);
  }
  text.add(`</${root}>`);
}
