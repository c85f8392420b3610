/** Puts a bucket's CORS rules to work: on the answers of requests that have an origin, and on preflights. */
import type { IncomingHttpHeaders } from 'node:http';
import { bucketDocuments } from '#proxy/access/rules-of-bucket.ts';
import type { S3Context } from '../context.ts';
import { S3Error } from '../errors.ts';
import type { Reply } from '../reply.ts';
import { corsHeaders, corsMethods, type CorsRequest, matchingRule, parseStoredRules } from './cors-rules.ts';

const ORIGIN_CHARACTERS_MAX = 1024;
const HEADERS_MAX = 100;
const BUCKET_CHARACTERS_MAX = 63;

/** Headers of the answer, whatever it will be; none when no rule allows the origin. */
export async function addCorsHeaders(
  bucketName: string,
  method: string,
  headers: IncomingHttpHeaders,
  reply: Reply,
  context: S3Context,
): Promise<void> {
  const asked = corsRequest(headers, headers['access-control-request-method'] ?? method, []);
  if (asked !== undefined) reply.addHeaders(await headersFor(bucketName, asked, context));
}

/** The answer to OPTIONS, which nobody signs (Fetch Standard, "CORS-preflight fetch"). */
export async function answerPreflight(
  bucketName: string | undefined,
  headers: IncomingHttpHeaders,
  reply: Reply,
  context: S3Context,
): Promise<void> {
  const method = headers['access-control-request-method'];
  const named = headers['access-control-request-headers'] ?? '';
  const wanted = named.split(',').map((header) => header.trim().toLowerCase());
  const asked = corsRequest(
    headers,
    method,
    wanted.filter((header) => header !== ''),
  );
  if (asked === undefined) {
    throw new S3Error('BadRequest', 'Insufficient information. Origin request header needed.');
  }
  if (!corsMethods.some((known) => known === asked.method)) {
    throw new S3Error('BadRequest', `Invalid Access-Control-Request-Method: ${asked.method.slice(0, 32)}`);
  }
  const found = bucketName === undefined ? [] : await headersFor(bucketName, asked, context);
  if (found.length === 0) {
    const message =
      "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
    throw new S3Error('AccessForbidden', message);
  }
  reply.addHeaders(found);
  reply.empty(200);
}

function corsRequest(
  { origin }: IncomingHttpHeaders,
  method: string | undefined,
  headers: readonly string[],
): CorsRequest | undefined {
  if (origin === undefined || method === undefined || origin.length > ORIGIN_CHARACTERS_MAX) return undefined;
  return headers.length > HEADERS_MAX ? undefined : { origin, method, headers };
}

async function headersFor(bucketName: string, asked: CorsRequest, context: S3Context): Promise<string[]> {
  if (bucketName.length > BUCKET_CHARACTERS_MAX) return [];
  const bucket = await context.directory.find(undefined, bucketName);
  const text = bucket?.configuration?.[bucketDocuments.cors];
  if (text === undefined) return [];
  const rule = matchingRule(parseStoredRules(text), asked);
  return rule === undefined ? [] : corsHeaders(rule, asked);
}
