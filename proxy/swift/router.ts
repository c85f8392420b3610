/**
 * Which operation a request asks for: by what the path names, and by the method (Object Storage API reference).
 *
 * To add an operation: write it in a file of its own under operations/ (or a room of its own, such as objects/ and bulk/) as an
 * `Operation`, and name it in the table of what its path names: `accountRoutes`, `containerRoutes` or `objectRoutes`. It
 * asks `readableContainer` or `writableContainer` (container-of.ts) for its container, which refuses whoever may not; answers
 * through `request.reply`; and throws SwiftError. What a query parameter turns into another operation goes to
 * `byParameter`, which is asked first.
 */
import { bulkDelete } from './bulk/bulk-delete.ts';
import { bulkUpload } from './bulk/bulk-upload.ts';
import { SwiftError } from './errors.ts';
import { copyObject } from './objects/copy-object.ts';
import { deleteObject } from './objects/delete-object.ts';
import { getObject } from './objects/get-object.ts';
import { headObject } from './objects/head-object.ts';
import { postObject } from './objects/post-object.ts';
import { putObject } from './objects/put-object.ts';
import { deleteContainer } from './operations/delete-container.ts';
import { getAccount } from './operations/get-account.ts';
import { getContainer } from './operations/get-container.ts';
import { getInfo } from './operations/get-info.ts';
import { getToken } from './operations/get-token.ts';
import { healthCheck } from './operations/health-check.ts';
import { headAccount } from './operations/head-account.ts';
import { headContainer } from './operations/head-container.ts';
import { optionsOf } from './operations/options.ts';
import { postAccount } from './operations/post-account.ts';
import { postContainer } from './operations/post-container.ts';
import { putContainer } from './operations/put-container.ts';
import type { Operation, SwiftRequest } from './request.ts';

type Routes = Readonly<Record<string, Operation>>;

const accountRoutes: Routes = { GET: getAccount, HEAD: headAccount, POST: postAccount };

const containerRoutes: Routes = {
  DELETE: deleteContainer,
  GET: getContainer,
  HEAD: headContainer,
  POST: postContainer,
  PUT: putContainer,
};

const objectRoutes: Routes = {
  COPY: copyObject,
  DELETE: deleteObject,
  GET: getObject,
  HEAD: headObject,
  POST: postObject,
  PUT: putObject,
};

/** Operations that a parameter of the query chooses, by its name, for any path of the API. */
const byParameter: Readonly<Record<string, Routes>> = {
  'bulk-delete': { DELETE: bulkDelete, POST: bulkDelete },
  'extract-archive': { PUT: bulkUpload },
};

const API_VERSIONS: ReadonlySet<string> = new Set(['v1', 'v1.0']);
const AUTH_PREFIX = '/auth/';

/** Pages beside the API: what they answer has nothing to do with an account. */
export function isPage(path: string): boolean {
  return path === '/info' || path === '/healthcheck' || path.startsWith(AUTH_PREFIX) || path === '/auth';
}

export function routeOf(request: SwiftRequest): Operation {
  if (isPage(request.path)) return pageOf(request);
  const { version } = request.resource;
  if (!API_VERSIONS.has(version)) throw new SwiftError(400);
  for (const name in byParameter) {
    const found = request.query.has(name) ? byParameter[name]?.[request.method] : undefined;
    if (found !== undefined) return found;
  }
  if (request.method === 'OPTIONS') return options;
  return routed(request, routesOf(request));
}

function routesOf(request: SwiftRequest): Routes {
  const { container, object } = request.resource;
  if (object !== undefined) return objectRoutes;
  return container === undefined ? accountRoutes : containerRoutes;
}

function methodsIn(routes: Routes): string[] {
  return [...Object.keys(routes), 'OPTIONS'].sort();
}

const options = optionsOf((request) => methodsIn(routesOf(request)));

function routed(request: SwiftRequest, routes: Routes): Operation {
  const { method } = request;
  const found = Object.hasOwn(routes, method) ? routes[method] : undefined;
  if (found !== undefined) return found;
  throw new SwiftError(405, undefined, { headers: ['Allow', methodsIn(routes).join(', ')] });
}

function pageOf(request: SwiftRequest): Operation {
  const routes = pageRoutes(request.path);
  return request.method === 'OPTIONS' ? pageOptions(routes) : routed(request, routes);
}

function pageRoutes(path: string): Routes {
  if (path === '/info') return { GET: getInfo, HEAD: getInfo };
  return path === '/healthcheck' ? { GET: healthCheck, HEAD: healthCheck } : { GET: getToken };
}

function pageOptions(routes: Routes): Operation {
  return ({ reply }) => {
    reply.accepted(200, ['Allow', methodsIn(routes).join(', ')]);
    return Promise.resolve();
  };
}
