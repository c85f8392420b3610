/** What becomes of a response's body: compared, kept as text, or thrown away; an error's body is always kept. */
import type { ContentChecker } from './content-checker.ts';
import { OperationFailure, refused } from './operation-failure.ts';
import type { BodyReceiver, ResponseHead } from './response-reader.ts';

const ERROR_BYTES_MAX = 8 * 1024;
const TEXT_BYTES_MAX = 16 * 1024 * 1024;

export class ResponseBody implements BodyReceiver {
  readonly #checker: ContentChecker;
  #wanted: 'check' | 'collect' | 'discard' = 'discard';
  #mode: 'check' | 'collect' | 'discard' = 'discard';
  #pieces: Buffer[] = [];
  #collectedBytes = 0;
  #bytesMax = 0;

  constructor(checker: ContentChecker) {
    this.#checker = checker;
  }

  /** The next response's body is compared by the checker, which knows what to expect. */
  check(): void {
    this.#expect('check');
  }

  collect(): void {
    this.#expect('collect');
  }

  discard(): void {
    this.#expect('discard');
  }

  begin(head: ResponseHead): void {
    const failed = head.status >= 300;
    this.#mode = failed ? 'collect' : this.#wanted;
    this.#bytesMax = failed ? ERROR_BYTES_MAX : TEXT_BYTES_MAX;
  }

  data(chunk: Buffer, from: number, to: number): void {
    if (this.#mode === 'check') this.#checker.take(chunk, from, to);
    else if (this.#mode === 'collect') {
      const length = Math.min(to - from, this.#bytesMax - this.#collectedBytes);
      if (length <= 0) return;
      this.#pieces.push(Buffer.from(chunk.subarray(from, from + length)));
      this.#collectedBytes += length;
    }
  }

  text(): string {
    return Buffer.concat(this.#pieces).toString('utf8');
  }

  #expect(mode: 'check' | 'collect' | 'discard'): void {
    this.#wanted = mode;
    if (this.#collectedBytes === 0) return;
    this.#pieces = [];
    this.#collectedBytes = 0;
  }
}

/** The text of an element that has no children, `''` when it is missing. S3's answers need no more of XML here. */
export function elementText(xml: string, name: string): string {
  const open = `<${name}>`;
  const start = xml.indexOf(open);
  if (start < 0) return '';
  const end = xml.indexOf('<', start + open.length);
  return end < 0
    ? ''
    : xml
        .slice(start + open.length, end)
        .replaceAll('&quot;', '"')
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&amp;', '&');
}

/** Throws the failure that a response of another status is. */
export function requireStatus(head: ResponseHead, body: ResponseBody, ...allowed: number[]): void {
  if (allowed.includes(head.status)) return;
  if (head.status < 300)
    throw new OperationFailure(
      'request-refused',
      `http-${head.status}`,
      `unexpected answer: http-${head.status}`,
    );
  const text = body.text();
  throw refused(
    head.status,
    elementText(text, 'Code').slice(0, 60),
    elementText(text, 'Message').slice(0, 200),
  );
}
