/** What an Identity API request is refused with: a status, and words in Keystone's form (Identity API v3, "Errors"). */
import { HoldfastError } from '#common/errors.ts';

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};

export class ApiError extends HoldfastError {
  readonly status: number;
  /** Of 429 and 503: when another try makes sense. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super('request-refused', message, options);
    this.status = status;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

export function errorBody(status: number, message: string): object {
  return { error: { code: status, message, title: TITLES[status] ?? 'Error' } };
}

export const badRequest = (message: string) => new ApiError(400, message);
export const conflict = (message: string) => new ApiError(409, message);
export const forbidden = (message: string) => new ApiError(403, message);

/** The same words whatever was wrong: who tries passwords learns nothing. */
export const unauthorized = (cause?: unknown) =>
  new ApiError(401, 'The request you have made requires authentication.', { cause });

/** @param kind in words, such as `user`. */
export const notFound = (kind: string, id: string) => new ApiError(404, `Could not find ${kind}: ${id}.`);

export const notAllowed = (operation: string) =>
  forbidden(`You are not authorized to perform the requested action: ${operation}.`);
