/** Takes a raw HTTP request through the front door: target, token, operation, answer. */
import { hasCode, HoldfastError } from '#common/errors.ts';
import type { DispatchedRequest } from '#proxy/http/dispatched-request.ts';
import { answerUnread } from '#proxy/http/unread-body.ts';
import { accountNamed, formerAccount } from './account-named.ts';
import { callerWith } from './auth/caller-with.ts';
import type { SwiftContext } from './context.ts';
import { toSwiftError } from './error-mapping.ts';
import { unauthorized } from './permission.ts';
import { Reply } from './reply.ts';
import { SwiftRequest } from './request.ts';
import { parseResource, parseTarget } from './request-target.ts';
import { isPage, routeOf } from './router.ts';
import { bearsTemporarySignature, openTemporaryUrl } from './temp-url/temporary-url.ts';
import { TransactionIds } from './transaction-ids.ts';

const TOO_MANY = 'As many requests are under way as this process takes at once.';

export class SwiftDispatcher {
  readonly #context: SwiftContext;
  readonly #ids: TransactionIds;

  constructor(context: SwiftContext) {
    this.#context = context;
    this.#ids = new TransactionIds(context.randomness, context.clock);
  }

  /** Answers the request, whatever happens. Never throws. */
  async dispatch(dispatched: DispatchedRequest): Promise<void> {
    const { incoming, response, trace } = dispatched;
    trace.door = 'swift';
    const extra = incoming.headers['x-trans-id-extra'];
    const id = this.#ids.next(Array.isArray(extra) ? extra[0] : extra);
    const reply = new Reply(response, id, incoming.method === 'HEAD');
    // A socket that breaks is told to whoever writes next; without a listener it would end the process.
    response.on('error', ignore);
    let request: SwiftRequest | undefined;
    try {
      if (dispatched.overloaded === true) throw new HoldfastError('overloaded', TOO_MANY);
      request = this.#accept(dispatched, reply);
      if (bearsTemporarySignature(request)) {
        request = request.granted(await openTemporaryUrl(request, this.#context));
      }
      const operation = routeOf(request);
      trace.operation = operation.name;
      await operation(request, this.#context);
    } catch (error) {
      await this.#answerError(dispatched, reply, request, error).catch((failure: unknown) => {
        const fields = { error: failure, transactionId: reply.transactionId };
        this.#context.log.warn('an error could not be answered', fields);
        response.destroy();
      });
    }
  }

  #accept({ incoming, url, awaitsContinue, trace }: DispatchedRequest, reply: Reply): SwiftRequest {
    const target = parseTarget(url);
    const resource = isPage(target.path) ? undefined : parseResource(target.path);
    const { credentials } = this.#context;
    const named = resource === undefined ? undefined : accountNamed(credentials, resource.account);
    trace.account = named?.id;
    trace.namesObject = resource?.object !== undefined;
    const token = incoming.headers['x-auth-token'] ?? incoming.headers['x-storage-token'];
    const caller =
      resource === undefined || typeof token !== 'string' || token === ''
        ? undefined
        : callerWith(
            { user: token, service: incoming.headers['x-service-token'] },
            { method: incoming.method ?? '', path: target.path },
            this.#context,
          );
    // A token that is of no use is refused, and not taken for none.
    if (caller === 'nobody') throw unauthorized(resource?.account ?? '');
    const account = named ?? formerAccount(caller, resource?.account);
    return new SwiftRequest({ incoming, reply, target, resource, account, caller, awaitsContinue });
  }

  async #answerError(
    dispatched: DispatchedRequest,
    reply: Reply,
    request: SwiftRequest | undefined,
    error: unknown,
  ): Promise<void> {
    const { incoming, response } = dispatched;
    // The client has gone: there is nobody to answer.
    const gone = reply.isBegun || incoming.destroyed || response.destroyed;
    if (hasCode(error, 'aborted') && gone) return void response.destroy();
    const answer = toSwiftError(error);
    // A line for each of a crowd that is turned away would be work that the crowd chooses; they are counted.
    if (answer.status >= 500 && dispatched.overloaded !== true) {
      const fields = {
        error: answer.cause ?? answer,
        transactionId: reply.transactionId,
        method: incoming.method,
      };
      this.#context.log[answer.status === 500 ? 'error' : 'warn']('a request failed', fields);
    }
    // Part of the object has been sent: only a broken connection tells the client that the rest is missing.
    if (reply.isBegun) return void response.destroy();
    await answerUnread({
      dispatched,
      request,
      status: answer.status,
      headers: [...answer.headers, 'Content-Type', answer.contentType],
      body: Buffer.from(answer.page),
      head: (status, headers) => reply.head(status, headers),
    });
  }
}

function ignore(): void {}
