/** Writes XML 1.0 documents: elements and text, no more than S3 answers with. */

import { TextBuffer } from '#proxy/http/text-buffer.ts';

/** What cannot stand in text as it is; carriage returns would be read back as line feeds. */
// oxlint-disable-next-line no-control-regex
const SPECIAL = /[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g;

/** The same, to look for: without the state that a global expression keeps. */
// oxlint-disable-next-line no-control-regex
const ANY_SPECIAL = /[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff]/;

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/**
 * Characters that XML 1.0 forbids become numeric references, as S3 itself writes them: a strict reader refuses the
 * document, and should ask with encoding-type=url.
 */
export function escapeXml(text: string): string {
  if (!ANY_SPECIAL.test(text)) return text;
  return text.replace(SPECIAL, (found) => NAMED[found] ?? `&#x${found.charCodeAt(0).toString(16)};`);
}

export const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

export class XmlWriter {
  readonly #text = new TextBuffer();
  readonly #open: string[] = [];

  /** @param root the document's element, in S3's namespace when `namespaced`. */
  constructor(root: string, namespaced = true) {
    this.#text.add(DECLARATION);
    this.#text.add(namespaced ? `<${root} xmlns="${S3_NAMESPACE}">` : `<${root}>`);
    this.#open.push(root);
  }

  open(name: string, attributes = ''): this {
    this.#text.add(attributes === '' ? `<${name}>` : `<${name} ${attributes}>`);
    this.#open.push(name);
    return this;
  }

  close(): this {
    this.#text.add(`</${this.#open.pop()}>`);
    return this;
  }

  element(name: string, text: string | number | boolean): this {
    const escaped = typeof text === 'string' ? escapeXml(text) : text;
    this.#text.add(`<${name}>${escaped}</${name}>`);
    return this;
  }

  /** A piece of the document that is well-formed, and escaped where it has to be. */
  raw(text: string): this {
    this.#text.add(text);
    return this;
  }

  /** Nothing when there is no value. */
  optional(name: string, text: string | number | boolean | undefined): this {
    return text === undefined ? this : this.element(name, text);
  }

  /** Closes what is open and gives the document. */
  done(): string {
    while (this.#open.length > 0) this.close();
    return this.#text.text();
  }

  /** The same as it is sent: better for a long one. */
  doneAsBytes(): Buffer {
    while (this.#open.length > 0) this.close();
    return this.#text.bytes();
  }
}
