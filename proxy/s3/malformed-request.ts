/** Answers what could not even be parsed as HTTP, in S3's form where a client can read it. */
import type { Socket } from 'node:net';
import { S3Error, type S3ErrorCode } from './errors.ts';
import { XmlWriter } from './xml/writer.ts';

const codes: Readonly<Record<string, S3ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'RequestHeaderSectionTooLarge',
  ERR_HTTP_REQUEST_TIMEOUT: 'RequestTimeout',
};

export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const answer =
    error.code !== undefined && Object.hasOwn(codes, error.code)
      ? new S3Error(codes[error.code] as S3ErrorCode)
      : new S3Error('InvalidRequest', 'The request could not be parsed as HTTP.');
  const xml = new XmlWriter('Error', false)
    .element('Code', answer.code)
    .element('Message', answer.message)
    .done();
  const head = [
    `HTTP/1.1 ${answer.status} Bad Request`,
    'Connection: close',
    'Server: Holdfast',
    'Content-Type: application/xml',
    `Content-Length: ${Buffer.byteLength(xml)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${xml}`);
}
