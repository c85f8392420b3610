/** Answers what is no proper HTTP, before any door is chosen: in S3's form, which a client can at least read. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { S3Error, type S3ErrorCode } from './errors.ts';
import { XmlWriter } from './xml/writer.ts';

/** More than any client sends; each costs time at every step that looks at headers. */
const HEADERS_MAX = 256;

const LINE_BYTES = 16 * 1024;
const REQUEST_LINE = /^[\w!#$%&'*+.^`|~-]{1,64} \/[\x21-\x7e]* HTTP\/1\.[01]\r\n/;

const codes: Readonly<Record<string, S3ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'RequestHeaderSectionTooLarge',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'RequestHeaderSectionTooLarge',
  ERR_HTTP_REQUEST_TIMEOUT: 'RequestTimeout',
};

export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const known = error.code !== undefined && Object.hasOwn(codes, error.code) ? codes[error.code] : undefined;
  const code = isUnknownMethod(error) ? 'MethodNotAllowed' : known;
  refuseOnSocket(
    code === undefined
      ? new S3Error('InvalidRequest', 'The request could not be parsed as HTTP.')
      : new S3Error(code),
    socket,
  );
}

/** The parser knows a list of methods, and not their grammar (RFC 9110, section 9.1). */
function isUnknownMethod(error: NodeJS.ErrnoException): boolean {
  if (error.code !== 'HPE_INVALID_METHOD' || !('rawPacket' in error)) return false;
  return (
    error.rawPacket instanceof Buffer && REQUEST_LINE.test(error.rawPacket.toString('latin1', 0, LINE_BYTES))
  );
}

/** Answers and closes where there is no response object. */
export function refuseOnSocket(answer: S3Error, socket: Socket): void {
  const xml = documentOf(answer);
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}`,
    ...headersOf(xml).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${xml}`);
  // Whoever still waits for the rest of a body on this connection is told by its end.
  socket.destroySoon();
}

/** Answers a request whose head `malformedHead` has refused; whatever follows on the connection is not looked at. */
export function refuseHead(answer: S3Error, response: ServerResponse): void {
  const xml = documentOf(answer);
  response.writeHead(answer.status, headersOf(xml).flat());
  response.end(response.req.method === 'HEAD' ? undefined : xml);
}

/**
 * What is wrong with a head that the parser took: two readers of it could see two requests. (RFC 9112, section 3.2 on
 * Host; section 6.1 on transfer codings.)
 */
export function malformedHead(incoming: IncomingMessage): S3Error | undefined {
  const { rawHeaders } = incoming;
  if (rawHeaders.length > 2 * HEADERS_MAX) return new S3Error('RequestHeaderSectionTooLarge');
  const coding = incoming.headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return new S3Error('NotImplemented', undefined, { fields: { Header: 'Transfer-Encoding' } });
  }
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts === 1 || (hosts === 0 && incoming.httpVersion === '1.0')) return undefined;
  return new S3Error('InvalidRequest', 'A request names exactly one Host.');
}

function documentOf(answer: S3Error): string {
  const writer = new XmlWriter('Error', false)
    .element('Code', answer.code)
    .element('Message', answer.message);
  for (const [name, value] of Object.entries(answer.fields)) writer.element(name, value);
  return writer.done();
}

function headersOf(xml: string): [string, string][] {
  return [
    ['Connection', 'close'],
    ['Server', 'Holdfast'],
    ['Content-Type', 'application/xml'],
    ['Content-Length', String(Buffer.byteLength(xml))],
  ];
}
