/** One multipart upload, parts in order on one connection (Amazon S3 API reference: CreateMultipartUpload and on). */
import { hash } from 'node:crypto';
import type { HttpConnection, OutgoingBody } from './http-client.ts';
import { encodeRfc3986 } from './list-objects.ts';
import { OperationFailure } from './operation-failure.ts';
import type { RequestFactory } from './request-factory.ts';
import { elementText, requireStatus, type ResponseBody } from './response-body.ts';
import { headerValue, type ResponseHead } from './response-reader.ts';

/** A body of text that is there already. */
export function textBody(text: string): OutgoingBody {
  const bytes = Buffer.from(text);
  return {
    lengthBytes: bytes.length,
    fill(into, intoWord, position, lengthBytes) {
      const target = Buffer.from(into.buffer, into.byteOffset + intoWord * 4);
      bytes.copy(target, 0, position, position + lengthBytes);
    },
  };
}

export class MultipartUpload {
  readonly #connection: HttpConnection;
  readonly #factory: RequestFactory;
  readonly #response: ResponseBody;
  readonly #name: string;
  #uploadId = '';
  readonly #etags: string[] = [];

  constructor(connection: HttpConnection, factory: RequestFactory, response: ResponseBody, name: string) {
    this.#connection = connection;
    this.#factory = factory;
    this.#response = response;
    this.#name = name;
  }

  async start(): Promise<void> {
    const answer = await this.#post('uploads=', '');
    this.#uploadId = elementText(answer, 'UploadId');
    if (this.#uploadId === '')
      throw new OperationFailure('protocol-violation', 'response-malformed', 'the answer has no upload id');
  }

  /** The query of the request that sends the next part. */
  nextPartQuery(): string {
    return `partNumber=${this.#etags.length + 1}&uploadId=${encodeRfc3986(this.#uploadId)}`;
  }

  partStored(response: ResponseHead): void {
    requireStatus(response, this.#response, 200);
    this.#etags.push(headerValue(response, 'etag') ?? '');
  }

  async complete(): Promise<void> {
    const parts = this.#etags.map(
      (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
    );
    const answer = await this.#post(
      `uploadId=${encodeRfc3986(this.#uploadId)}`,
      `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`,
    );
    // S3 may answer 200 at once and report a failure in the body that follows.
    const code = elementText(answer, 'Code');
    if (code !== '' && elementText(answer, 'ETag') === '')
      throw new OperationFailure('request-refused', `http-200 ${code}`, elementText(answer, 'Message'));
  }

  /** Tells the server to forget the parts; what goes wrong now adds nothing to the failure that led here. */
  async abort(): Promise<void> {
    if (this.#uploadId === '') return;
    const query = `uploadId=${encodeRfc3986(this.#uploadId)}`;
    const head = this.#factory.head({ method: 'DELETE', name: this.#name, query });
    this.#response.discard();
    await this.#connection.exchange({ head, receiver: this.#response }).catch(() => undefined);
  }

  async #post(query: string, text: string): Promise<string> {
    const body = textBody(text);
    const head = this.#factory.head({
      method: 'POST',
      name: this.#name,
      query,
      contentLength: body.lengthBytes,
      payloadHash: hash('sha256', text, 'hex'),
    });
    this.#response.collect();
    const response = await this.#connection.exchange({ head, body, receiver: this.#response });
    requireStatus(response, this.#response, 200);
    return this.#response.text();
  }
}
