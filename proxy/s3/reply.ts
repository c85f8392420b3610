/** Answers: a head with the headers that every answer bears, and small bodies. */
import type { ServerResponse } from 'node:http';
import type { S3Error } from './errors.ts';
import { XmlWriter } from './xml/writer.ts';

/** Names and values in turn. */
export type FlatHeaders = (string | number)[];

/** One answer, and what identifies it to whoever reads the logs. */
export class Reply {
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly #hostId: string;
  readonly #added: string[] = [];

  constructor(response: ServerResponse, requestId: string, hostId: string) {
    this.response = response;
    this.requestId = requestId;
    this.#hostId = hostId;
  }

  get isBegun(): boolean {
    return this.response.headersSent;
  }

  /** Headers that the answer has whatever it will be, names and values in turn. */
  addHeaders(headers: readonly string[]): void {
    this.#added.push(...headers);
  }

  head(status: number, headers: FlatHeaders): void {
    const all: FlatHeaders = [
      'x-amz-request-id',
      this.requestId,
      'x-amz-id-2',
      this.#hostId,
      'Server',
      'Holdfast',
    ];
    for (const each of headers) all.push(each);
    for (const each of this.#added) all.push(each);
    this.response.writeHead(status, all);
  }

  /** An answer without a body. */
  empty(status: number, headers: FlatHeaders = []): void {
    if (status !== 204 && status !== 304) headers.push('Content-Length', 0);
    this.head(status, headers);
    this.response.end();
  }

  xml(status: number, xml: string | Buffer, headers: FlatHeaders = []): void {
    const body = typeof xml === 'string' ? Buffer.from(xml) : xml;
    headers.push('Content-Type', 'application/xml', 'Content-Length', body.length);
    this.head(status, headers);
    this.response.end(body);
  }

  errorXml(error: S3Error, resource: string): string {
    const writer = new XmlWriter('Error', false)
      .element('Code', error.code)
      .element('Message', error.message);
    for (const [name, value] of Object.entries(error.fields)) writer.element(name, value);
    return writer
      .element('Resource', resource)
      .element('RequestId', this.requestId)
      .element('HostId', this.#hostId)
      .done();
  }
}
