/** Takes a raw HTTP request through the front door: target, signature, operation, answer. */
import { hasCode, HoldfastError } from '#common/errors.ts';
import { anonymousPrincipal } from '#proxy/access/anonymous.ts';
import { authenticateRequest } from '#proxy/auth/authenticate.ts';
import type { DispatchedRequest } from '#proxy/http/dispatched-request.ts';
import type { S3Context } from './context.ts';
import { toS3Error } from './error-mapping.ts';
import { addCorsHeaders, answerPreflight } from './cors/answer-cors.ts';
import { Reply } from './reply.ts';
import { S3Request } from './request.ts';
import { RequestIds } from './request-ids.ts';
import { parseTarget, type RequestTarget } from './request-target.ts';
import { routeOf } from './router.ts';
import { answerUnread } from './unread-body.ts';

const TOO_MANY = 'As many requests are under way as this process takes at once.';

export class S3Dispatcher {
  readonly #context: S3Context;
  readonly #ids: RequestIds;

  constructor(context: S3Context) {
    this.#context = context;
    this.#ids = new RequestIds(context.randomness);
  }

  /** Answers the request, whatever happens. Never throws. */
  async dispatch(dispatched: DispatchedRequest): Promise<void> {
    const reply = new Reply(dispatched.response, this.#ids.next(), this.#context.hostId);
    // A socket that breaks is told to whoever writes next; without a listener it would end the process.
    dispatched.response.on('error', ignore);
    let request: S3Request | undefined;
    const { trace } = dispatched;
    trace.door = 's3';
    try {
      if (dispatched.overloaded === true) throw new HoldfastError('overloaded', TOO_MANY);
      const { incoming, url } = dispatched;
      const target = parseTarget(url, incoming.headers.host, this.#context.virtualHosts);
      trace.namesObject = target.key !== undefined;
      const { method = '', headers } = incoming;
      if (method === 'OPTIONS') return await answerPreflight(target.bucket, headers, reply, this.#context);
      if (headers.origin !== undefined && target.bucket !== undefined)
        await addCorsHeaders(target.bucket, method, headers, reply, this.#context);
      request = this.#accept(dispatched, reply, target);
      const operation = routeOf(request, dispatched.incoming);
      // What a table makes of a parameter has no name of its own: then what it asks leave for tells it.
      trace.operation = operation.name || (request.action ?? '');
      await operation(request, this.#context);
    } catch (error) {
      await this.#answerError(dispatched, reply, request, error).catch((failure: unknown) => {
        this.#context.log.warn('an error could not be answered', {
          error: failure,
          requestId: reply.requestId,
        });
        dispatched.response.destroy();
      });
    }
  }

  #accept(dispatched: DispatchedRequest, reply: Reply, target: RequestTarget): S3Request {
    const { incoming, url, awaitsContinue, trace } = dispatched;
    const context = this.#context;
    const authentication = authenticateRequest(
      {
        method: incoming.method ?? '',
        rawUrl: url,
        rawHeaders: incoming.rawHeaders,
        nowMs: context.clock.nowMs(),
      },
      context.credentials,
      context.authentication,
    );
    const { payload } = authentication;
    const principal = authentication.kind === 'anonymous' ? anonymousPrincipal : authentication.principal;
    if (authentication.kind !== 'anonymous') trace.account = principal.account;
    return new S3Request({ incoming, reply, target, principal, payload, awaitsContinue, trace });
  }

  async #answerError(
    dispatched: DispatchedRequest,
    reply: Reply,
    request: S3Request | undefined,
    error: unknown,
  ): Promise<void> {
    const { incoming, response } = dispatched;
    // The client has gone: there is nobody to answer.
    const gone = reply.isBegun || incoming.destroyed || response.destroyed;
    if (hasCode(error, 'aborted') && gone) return void response.destroy();
    const answer = toS3Error(error);
    // A line for each of a crowd that is turned away would be work that the crowd chooses; they are counted.
    if (answer.status >= 500 && dispatched.overloaded !== true) {
      const fields = { error: answer.cause ?? answer, requestId: reply.requestId, method: incoming.method };
      this.#context.log[answer.status === 500 ? 'error' : 'warn']('a request failed', fields);
    }
    // Part of the object has been sent: only a broken connection tells the client that the rest is missing.
    if (reply.isBegun) return void response.destroy();
    await answerUnread({ dispatched, reply, request, answer });
  }
}

function ignore(): void {}
