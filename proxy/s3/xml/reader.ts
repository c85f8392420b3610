/**
 * Reads the XML of a request: elements, text, the five named entities and numeric references. Document types are
 * refused, so nothing can be defined, fetched or multiplied; depth, elements and size are bounded.
 */
export interface XmlElement {
  /** Without its namespace prefix. */
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** All text directly within, references resolved. */
  readonly text: string;
}

export interface XmlLimits {
  readonly depthMax: number;
  readonly elementsMax: number;
}

export class XmlError extends Error {}

const DEFAULT_LIMITS: XmlLimits = { depthMax: 16, elementsMax: 100_000 };
const NAME = /^[\p{L}_][\p{L}\p{N}._-]*(?::[\p{L}_][\p{L}\p{N}._-]*)?$/u;
const ATTRIBUTE = /\s+[^\s=<>"'/]+\s*=\s*(?:"[^"<]*"|'[^'<]*')/y;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const REFERENCE = /&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([a-z]{2,4}));|&/g;

interface OpenElement {
  readonly qualifiedName: string;
  readonly children: XmlElement[];
  text: string;
}

export function readXml(bytes: Buffer, limits: XmlLimits = DEFAULT_LIMITS): XmlElement {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new XmlError('the document is not UTF-8', { cause: error });
  }
  return new Parser(text, limits).document();
}

class Parser {
  readonly #text: string;
  readonly #limits: XmlLimits;
  readonly #open: OpenElement[] = [];
  #root: XmlElement | undefined;
  #elements = 0;
  #at = 0;

  constructor(text: string, limits: XmlLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  document(): XmlElement {
    if (this.#text.startsWith('<?xml ')) this.#at = this.#after('?>');
    while (this.#at < this.#text.length) this.#step();
    if (this.#open.length > 0 || this.#root === undefined) throw new XmlError('the document ends too early');
    return this.#root;
  }

  #step(): void {
    const text = this.#text;
    if (text[this.#at] !== '<') return this.#characters();
    const next = text[this.#at + 1];
    if (next === '/') return this.#endTag();
    if (next === '?') throw new XmlError('processing instructions are not accepted');
    if (next !== '!') return this.#startTag();
    if (text.startsWith('<!--', this.#at)) {
      this.#at = this.#after('-->');
    } else if (text.startsWith('<![CDATA[', this.#at)) {
      const end = this.#after(']]>');
      this.#append(lineFeeds(text.slice(this.#at + 9, end - 3)));
      this.#at = end;
    } else {
      throw new XmlError('document types are not accepted');
    }
  }

  #characters(): void {
    const end = this.#text.indexOf('<', this.#at);
    const to = end < 0 ? this.#text.length : end;
    // Line ends are made one before references are resolved: a reference is how a carriage return is kept.
    const run = lineFeeds(this.#text.slice(this.#at, to));
    this.#at = to;
    if (this.#open.length === 0) {
      if (run.trim() !== '') throw new XmlError('text outside of the document element');
      return;
    }
    this.#append(run.includes('&') ? run.replace(REFERENCE, resolve) : run);
  }

  #append(run: string): void {
    const parent = this.#open.at(-1);
    if (parent === undefined) throw new XmlError('text outside of the document element');
    parent.text += run;
  }

  #startTag(): void {
    if (this.#root !== undefined) throw new XmlError('more than one document element');
    if (++this.#elements > this.#limits.elementsMax) throw new XmlError('too many elements');
    if (this.#open.length >= this.#limits.depthMax) throw new XmlError('elements are nested too deeply');
    const text = this.#text;
    let at = this.#at + 1;
    while (at < text.length && !/[\s/>]/.test(text[at] as string)) at += 1;
    const qualifiedName = text.slice(this.#at + 1, at);
    if (!NAME.test(qualifiedName)) throw new XmlError('an element has a malformed name');
    at = this.#attributes(at);
    const empty = text[at] === '/';
    if (empty) at += 1;
    if (text[at] !== '>') throw new XmlError('a tag is malformed');
    this.#at = at + 1;
    this.#open.push({ qualifiedName, children: [], text: '' });
    if (empty) this.#finish();
  }

  /** Attributes are only namespaces in what S3 takes: they are checked for form, and dropped. */
  #attributes(from: number): number {
    let at = from;
    for (;;) {
      ATTRIBUTE.lastIndex = at;
      if (!ATTRIBUTE.test(this.#text)) break;
      at = ATTRIBUTE.lastIndex;
    }
    while (/\s/.test(this.#text[at] ?? '')) at += 1;
    return at;
  }

  #endTag(): void {
    const end = this.#after('>');
    const name = this.#text.slice(this.#at + 2, end - 1).trimEnd();
    if (this.#open.at(-1)?.qualifiedName !== name) throw new XmlError('tags do not match');
    this.#at = end;
    this.#finish();
  }

  #finish(): void {
    const open = this.#open.pop() as OpenElement;
    const name = open.qualifiedName.slice(open.qualifiedName.indexOf(':') + 1);
    const element = { name, children: open.children, text: open.text };
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = element;
    else parent.children.push(element);
  }

  #after(mark: string): number {
    const at = this.#text.indexOf(mark, this.#at);
    if (at < 0) throw new XmlError(`the document ends before ${mark}`);
    return at + mark.length;
  }
}

function lineFeeds(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

function resolve(_reference: string, hexadecimal?: string, decimal?: string, named?: string): string {
  if (named !== undefined && Object.hasOwn(ENTITIES, named)) return ENTITIES[named] as string;
  if (hexadecimal === undefined && decimal === undefined) throw new XmlError('an entity is not known');
  const point = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
  if (point === 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
    throw new XmlError('a character reference is out of range');
  }
  return String.fromCodePoint(point);
}

/** The only child of that name; undefined when there is none, an error when there are several. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  const found = element.children.filter((child) => child.name === name);
  if (found.length > 1) throw new XmlError(`more than one ${name}`);
  return found[0];
}

export function childText(element: XmlElement, name: string): string | undefined {
  return childOf(element, name)?.text;
}
