/**
 * Answers with an error although the request's body may still be on its way. A client that is still sending would see
 * a reset, and not the answer, if the connection were closed under it: a little is read and dropped first.
 */
import type { IncomingMessage } from 'node:http';
import type { DispatchedRequest } from './dispatched-request.ts';

/** A body up to here is read to its end, and the connection kept. */
const KEEP_BYTES_MAX = 64 * 1024;
/** Of a longer one, this much at most is read while the client reads the answer. */
const LINGER_BYTES_MAX = 4 * 1024 * 1024;
const LINGER_MS_MAX = 2000;

/** Names and values in turn. */
type FlatHeaders = (string | number)[];

export interface UnreadAnswer {
  readonly dispatched: DispatchedRequest;
  /** The request as far as it was understood. */
  readonly request: UnreadRequest | undefined;
  readonly status: number;
  readonly headers: FlatHeaders;
  /** Not sent to HEAD. */
  readonly body: Buffer;
  /** Writes the head of the answer. */
  readonly head: (status: number, headers: FlatHeaders) => void;
}

export interface UnreadRequest {
  readonly bodyIsOpen: boolean;
  /** Drops what has not been read of an opened body; undefined when it was never opened. */
  discardBody(bytesMax: number): Promise<boolean> | undefined;
}

export async function answerUnread(answer: UnreadAnswer): Promise<void> {
  const { request, body, headers } = answer;
  const { incoming, response, awaitsContinue } = answer.dispatched;
  const pending = hasBody(incoming) && !incoming.complete && !incoming.destroyed;
  const drop = (bytesMax: number) => request?.discardBody(bytesMax) ?? dropUnopened(incoming, bytesMax);
  const unasked = awaitsContinue && request?.bodyIsOpen !== true;
  const keeps =
    !unasked && (!pending || (declaredWithin(incoming, KEEP_BYTES_MAX) && (await drop(KEEP_BYTES_MAX))));
  if (!keeps) headers.push('Connection', 'close');
  const isHead = incoming.method === 'HEAD';
  if (!isHead) headers.push('Content-Length', body.length);
  answer.head(answer.status, headers);
  if (!isHead) response.write(body);
  // The whole answer is out, as its length says; the connection is only closed once the client had time to read it.
  if (!keeps && !unasked) await drop(LINGER_BYTES_MAX);
  response.end();
}

/** RFC 9112, 6.3: one that declares none has none, though it is not known to be complete while its head is being answered. */
function hasBody({ headers }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  return headers['content-length'] !== undefined && Number(headers['content-length']) !== 0;
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
