/** OPTIONS: which methods there are, and what a browser asks before a request of another origin (Fetch standard, "CORS protocol"). */
import { find } from '../container-of.ts';
import { isOriginAllowed, preflightHeaders } from '../cross-origin.ts';
import type { FlatHeaders } from '../reply.ts';
import type { Operation, SwiftRequest } from '../request.ts';

/** @param methodsOf the methods that may be used on what the path names. */
export function optionsOf(methodsOf: (request: SwiftRequest) => readonly string[]): Operation {
  return async (request, context) => {
    const methods = methodsOf(request);
    const headers: FlatHeaders = ['Allow', methods.join(', ')];
    const origin = request.header('origin');
    const { container } = request.resource;
    if (origin === undefined || container === undefined) return request.reply.accepted(200, headers);
    const metadata = (await find(request, context, container))?.container?.metadata ?? {};
    const wanted = request.header('access-control-request-method') ?? '';
    if (!isOriginAllowed(metadata, origin) || !methods.includes(wanted))
      return request.reply.accepted(401, headers);
    const requestedHeaders = request.header('access-control-request-headers');
    headers.push(...preflightHeaders(metadata, origin, methods, requestedHeaders));
    request.reply.accepted(200, headers);
  };
}
