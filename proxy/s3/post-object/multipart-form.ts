/**
 * Reads a form as browsers send it (RFC 7578), as it arrives: the fields before the file whole and bounded, the file in the
 * pieces that came. What follows the file is dropped.
 */
import { S3Error } from '../errors.ts';

/** Gives what was received, in order; undefined at the end. */
export type NextChunk = () => Promise<Buffer | undefined>;

export interface FormFile {
  readonly fileName: string;
  readonly contentType: string | undefined;
}

export interface ReceivedForm {
  /** In the order they came, by the name as sent. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly file: FormFile;
}

/** All fields together, with their heads; S3 has 20 KB. */
const FIELDS_BYTES_MAX = 20 * 1024;
const FIELDS_MAX = 100;
const HEAD_BYTES_MAX = 4096;
const PREAMBLE_BYTES_MAX = 4096;
const BOUNDARY = /;\s*boundary\s*=\s*(?:"([^"\r\n]{1,70})"|([\w'()+,\-./:=?]{1,70}))/i;
const LINE = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const EMPTY = Buffer.alloc(0);

export class MultipartForm {
  readonly #next: NextChunk;
  readonly #delimiter: Buffer;
  #input: Buffer = EMPTY;
  #ended = false;
  #fieldsBytes = 0;

  constructor(contentType: string, next: NextChunk) {
    const found = BOUNDARY.exec(contentType);
    const boundary = found?.[1] ?? found?.[2];
    if (boundary === undefined) throw malformed();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
    this.#next = next;
  }

  /** Up to the file's first byte. */
  async receiveFields(): Promise<ReceivedForm> {
    await this.#skipPreamble();
    const fields: (readonly [string, string])[] = [];
    for (;;) {
      await this.#passDelimiter();
      const head = await this.#take(HEAD_END, HEAD_BYTES_MAX);
      const { name, fileName, contentType } = parseHead(head.toString('utf8'));
      this.#count(head.length);
      if (name.toLowerCase() === 'file') {
        return { fields, file: { fileName: fileName ?? '', contentType } };
      }
      if (fields.length >= FIELDS_MAX) throw new S3Error('MaxPostPreDataLengthExceeded');
      const value = await this.#take(this.#delimiter, FIELDS_BYTES_MAX);
      this.#input = Buffer.concat([this.#delimiter, this.#input]);
      this.#count(value.length);
      fields.push([name, value.toString('utf8')]);
    }
  }

  /** The file's bytes, up to the delimiter behind them; the rest of the form is read and dropped. */
  async *fileChunks(): AsyncGenerator<Buffer, void> {
    for (;;) {
      const at = this.#input.indexOf(this.#delimiter);
      if (at >= 0) {
        if (at > 0) yield this.#input.subarray(0, at);
        this.#input = EMPTY;
        while ((await this.#next()) !== undefined);
        return;
      }
      // The end of what has come may be the beginning of the delimiter.
      const sure = this.#input.length - this.#delimiter.length + 1;
      if (sure > 0) {
        yield this.#input.subarray(0, sure);
        this.#input = this.#input.subarray(sure);
      }
      await this.#more();
    }
  }

  async #skipPreamble(): Promise<void> {
    // The first delimiter has no line before it.
    this.#input = LINE;
    while (this.#input.indexOf(this.#delimiter) < 0) {
      if (this.#input.length > PREAMBLE_BYTES_MAX) throw malformed();
      await this.#more();
    }
    this.#input = this.#input.subarray(this.#input.indexOf(this.#delimiter));
  }

  /** Throws when what stands there is the form's end: it had no file. */
  async #passDelimiter(): Promise<void> {
    const length = this.#delimiter.length;
    while (this.#input.length < length + 2) await this.#more();
    const behind = this.#input.toString('latin1', length, length + 2);
    if (behind === '--') throw new S3Error('IncorrectNumberOfFilesInPostRequest');
    if (behind !== '\r\n') throw malformed();
    // The line's end stays: a head without lines begins with the empty line that ends it.
    this.#input = this.#input.subarray(length);
  }

  /** What comes before `mark`, which is dropped. */
  async #take(mark: Buffer, bytesMax: number): Promise<Buffer> {
    let from = 0;
    for (;;) {
      const at = this.#input.indexOf(mark, from);
      if (at >= 0 && at <= bytesMax) {
        const taken = this.#input.subarray(0, at);
        this.#input = this.#input.subarray(at + mark.length);
        return taken;
      }
      if (this.#input.length > bytesMax + mark.length) {
        throw new S3Error('MaxPostPreDataLengthExceeded');
      }
      from = Math.max(0, this.#input.length - mark.length + 1);
      await this.#more();
    }
  }

  #count(bytes: number): void {
    this.#fieldsBytes += bytes;
    if (this.#fieldsBytes > FIELDS_BYTES_MAX) throw new S3Error('MaxPostPreDataLengthExceeded');
  }

  async #more(): Promise<void> {
    const chunk = this.#ended ? undefined : await this.#next();
    if (chunk === undefined) {
      this.#ended = true;
      throw malformed();
    }
    this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
  }
}

interface PartHead {
  readonly name: string;
  readonly fileName: string | undefined;
  readonly contentType: string | undefined;
}

function parseHead(head: string): PartHead {
  let disposition = '';
  let contentType: string | undefined;
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    const header = line.slice(0, colon).trim().toLowerCase();
    if (header === 'content-disposition') disposition = line.slice(colon + 1).trim();
    if (header === 'content-type') contentType = line.slice(colon + 1).trim();
  }
  const name = parameterOf(disposition, 'name');
  if (!/^form-data\b/i.test(disposition) || name === undefined) throw malformed();
  return { name, fileName: parameterOf(disposition, 'filename'), contentType };
}

function parameterOf(disposition: string, parameter: string): string | undefined {
  const found = new RegExp(`;\\s*${parameter}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]*))`, 'i').exec(
    disposition,
  );
  return found === null ? undefined : (found[1]?.replaceAll(/\\(["\\])/g, '$1') ?? found[2]);
}

function malformed(): S3Error {
  return new S3Error('MalformedPOSTRequest');
}
