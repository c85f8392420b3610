/** The ends of a copy, as headers name them: `Destination`, `X-Copy-From` and their accounts. */
import { accountNamed } from '../account-named.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import { decodePath } from '../query.ts';
import type { SwiftRequest } from '../request.ts';
import type { Place } from './elsewhere.ts';

export interface CopyEnd extends Place {
  readonly object: string;
}

/** Throws 412 when it is missing or no `container/object`. */
export function destinationOf(request: SwiftRequest, context: SwiftContext): CopyEnd {
  const header = request.header('destination');
  if (header === undefined || header === '') throw new SwiftError(412, 'Destination header required');
  return endOf(request, context, 'Destination', header, request.header('destination-account'));
}

export function sourceOf(request: SwiftRequest, context: SwiftContext): CopyEnd {
  const header = request.header('x-copy-from') ?? '';
  return endOf(request, context, 'X-Copy-From', header, request.header('x-copy-from-account'));
}

function endOf(
  request: SwiftRequest,
  context: SwiftContext,
  name: string,
  path: string,
  account: string | undefined,
): CopyEnd {
  const [container = '', ...rest] = decodePath(path).replace(/^\//, '').split('/');
  const object = rest.join('/');
  if (container === '' || object === '') {
    throw new SwiftError(412, `${name} header must be of the form <container name>/<object name>`);
  }
  if (account === undefined || account === '') {
    return { account: request.knownAccount, accountName: request.resource.account, container, object };
  }
  const accountName = decodePath(account);
  if (accountName.includes('/')) throw new SwiftError(412, 'Account name cannot contain slashes');
  return { account: accountNamed(context.credentials, accountName), accountName, container, object };
}
