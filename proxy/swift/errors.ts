/**
 * Swift's errors: a status, and a short page that says it in words. Clients go by the status alone; operators read the
 * sentence (Object Storage API reference, "Response codes").
 */
import { HoldfastError } from '#common/errors.ts';

const pages: Readonly<Record<number, readonly [string, string]>> = {
  400: ['Bad Request', 'The request is malformed or asks for something that cannot be.'],
  401: ['Unauthorized', 'The request does not prove that its sender may do this.'],
  403: ['Forbidden', 'The sender may not do this.'],
  404: ['Not Found', 'There is nothing of this name.'],
  405: ['Method Not Allowed', 'The method cannot be used on this resource.'],
  406: ['Not Acceptable', 'The answer is available in none of the forms that were asked for.'],
  408: ['Request Timeout', 'The request did not arrive in time.'],
  409: ['Conflict', 'The resource is in a state that does not allow this.'],
  411: ['Length Required', 'The length of the body is not known.'],
  412: ['Precondition Failed', 'A condition of the request does not hold.'],
  413: ['Request Entity Too Large', 'The body is larger than is allowed.'],
  414: ['Request URI Too Long', 'The address is longer than is allowed.'],
  416: ['Requested Range Not Satisfiable', 'The object has no byte in the range.'],
  422: ['Unprocessable Entity', 'The body is not what the headers say.'],
  498: ['Rate Limited', 'Too many requests.'],
  499: ['Client Disconnect', 'The client went away before the body was complete.'],
  500: ['Internal Error', 'The server failed.'],
  501: ['Not Implemented', 'This is not built here.'],
  503: ['Service Unavailable', 'The server cannot answer now. Please try again.'],
};

const HTML = 'text/html; charset=UTF-8';

export interface SwiftErrorOptions {
  /** Names and values in turn. */
  readonly headers?: readonly (string | number)[];
  /** `text/html; charset=UTF-8` when left out. */
  readonly contentType?: string;
  readonly cause?: unknown;
}

export class SwiftError extends HoldfastError {
  readonly status: number;
  readonly page: string;
  readonly contentType: string;
  readonly headers: readonly (string | number)[];

  /** @param text the answer's body; the status's own page when left out. */
  constructor(status: number, text?: string, options: SwiftErrorOptions = {}) {
    const [title, sentence] = pages[status] ?? ['Error', 'The request failed.'];
    super('request-refused', text ?? `${status} ${title}`, { cause: options.cause });
    this.name = 'SwiftError';
    this.status = status;
    this.page = text ?? `<html><h1>${title}</h1><p>${sentence}</p></html>`;
    this.contentType = options.contentType ?? HTML;
    this.headers = options.headers ?? [];
  }
}

/** 400 with a sentence of its own, as plain text. */
export function badRequest(text: string): SwiftError {
  return new SwiftError(400, text, { contentType: 'text/plain; charset=UTF-8' });
}
