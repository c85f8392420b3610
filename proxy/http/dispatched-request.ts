/** A request as the HTTP server hands it to one of the doors. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestTrace } from '#proxy/traffic/request-trace.ts';

export interface DispatchedRequest {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** The request's target as it was received. */
  readonly url: string;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly awaitsContinue: boolean;
  /** As many requests are under way as the process takes at once: this one is only to be told so. */
  readonly overloaded?: boolean;
  /** Where the door notes what the request is, for those who count. */
  readonly trace: RequestTrace;
}
