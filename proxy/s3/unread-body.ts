/**
 * Answers with an error although the request's body may still be on its way. A client that is still sending would see
 * a reset, and not the answer, if the connection were closed under it: a little is read and dropped first.
 */
import type { IncomingMessage } from 'node:http';
import type { DispatchedRequest } from './dispatcher.ts';
import type { S3Error } from './errors.ts';
import type { FlatHeaders, Reply } from './reply.ts';
import type { S3Request } from './request.ts';

/** A body up to here is read to its end, and the connection kept. */
const KEEP_BYTES_MAX = 64 * 1024;
/** Of a longer one, this much at most is read while the client reads the answer. */
const LINGER_BYTES_MAX = 4 * 1024 * 1024;
const LINGER_MS_MAX = 2000;

export interface UnreadAnswer {
  readonly dispatched: DispatchedRequest;
  readonly reply: Reply;
  readonly request: S3Request | undefined;
  readonly answer: S3Error;
}

export async function answerUnread({ dispatched, reply, request, answer }: UnreadAnswer): Promise<void> {
  const { incoming, response, url, awaitsContinue } = dispatched;
  const headers: FlatHeaders = Object.entries(answer.headers).flat();
  const question = url.indexOf('?');
  const resource = question < 0 ? url : url.slice(0, question);
  const xml = Buffer.from(reply.errorXml(answer, resource));
  const pending = !incoming.complete && !incoming.destroyed;
  const drop = (bytesMax: number) => request?.discardBody(bytesMax) ?? dropUnopened(incoming, bytesMax);
  const unasked = awaitsContinue && request?.bodyIsOpen !== true;
  const keeps =
    !unasked && (!pending || (declaredWithin(incoming, KEEP_BYTES_MAX) && (await drop(KEEP_BYTES_MAX))));
  if (!keeps) headers.push('Connection', 'close');
  headers.push('Content-Type', 'application/xml');
  const isHead = incoming.method === 'HEAD';
  if (!isHead) headers.push('Content-Length', xml.length);
  reply.head(answer.status, headers);
  if (!isHead) response.write(xml);
  // The whole answer is out, as its length says; the connection is only closed once the client had time to read it.
  if (!keeps && !unasked) await drop(LINGER_BYTES_MAX);
  response.end();
}

function declaredWithin(incoming: IncomingMessage, bytesMax: number): boolean {
  const declared = incoming.headers['content-length'];
  return declared !== undefined && Number(declared) <= bytesMax;
}

/** Reads and drops up to `bytesMax`; true when the body ended within them. */
function dropUnopened(incoming: IncomingMessage, bytesMax: number): Promise<boolean> {
  return new Promise((resolve) => {
    let bytes = 0;
    const finish = (ended: boolean) => {
      clearTimeout(timer);
      incoming.off('data', count).off('end', end).off('close', close);
      incoming.pause();
      resolve(ended);
    };
    const count = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) finish(false);
    };
    const end = () => finish(true);
    const close = () => finish(false);
    const timer = setTimeout(close, LINGER_MS_MAX);
    incoming.on('data', count).on('end', end).on('close', close);
    if (incoming.destroyed || (incoming.complete && incoming.readableLength === 0)) finish(incoming.complete);
  });
}
