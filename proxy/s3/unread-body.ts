/** Answers with an error in S3's form although the request's body may still be on its way. */
import type { DispatchedRequest } from '#proxy/http/dispatched-request.ts';
import { answerUnread as answer } from '#proxy/http/unread-body.ts';
import type { S3Error } from './errors.ts';
import type { Reply } from './reply.ts';
import type { S3Request } from './request.ts';

export interface UnreadAnswer {
  readonly dispatched: DispatchedRequest;
  readonly reply: Reply;
  readonly request: S3Request | undefined;
  readonly answer: S3Error;
}

export async function answerUnread({
  dispatched,
  reply,
  request,
  answer: error,
}: UnreadAnswer): Promise<void> {
  const { url } = dispatched;
  const question = url.indexOf('?');
  const resource = question < 0 ? url : url.slice(0, question);
  await answer({
    dispatched,
    request,
    status: error.status,
    headers: [...Object.entries(error.headers).flat(), 'Content-Type', 'application/xml'],
    body: Buffer.from(reply.errorXml(error, resource)),
    head: (status, headers) => reply.head(status, headers),
  });
}
