/** The bucket that a run works in: found, or made and removed again. */
import { randomBytes } from 'node:crypto';
import { errorText, HoldfastError } from '#common/errors.ts';
import { ContentSource } from './content.ts';
import { ContentChecker } from './content-checker.ts';
import { HttpConnection } from './http-client.ts';
import { endpointOf } from './load-worker.ts';
import { textBody } from './multipart-upload.ts';
import { OperationFailure } from './operation-failure.ts';
import { RandomSequence } from './random-sequence.ts';
import { RequestFactory, type RequestParts, type TargetSettings } from './request-factory.ts';
import { requireStatus, ResponseBody } from './response-body.ts';
import type { ResponseHead } from './response-reader.ts';
import type { LoadSettings } from './settings.ts';
import type { Credentials } from './signature.ts';

/** The only region whose buckets are made without naming it. */
const REGION_UNNAMED = 'us-east-1';
const CONTROL_TIMEOUT_MS_MAX = 30_000;

export class Bucket {
  readonly target: TargetSettings;
  /** What the names of all our objects begin with. */
  readonly namePrefix: string;
  readonly #connection: HttpConnection;
  readonly #factory: RequestFactory;
  readonly #response: ResponseBody;
  /** Whether nobody else can have given the bucket its name. */
  readonly #drawn: boolean;
  #ours = false;

  constructor(settings: LoadSettings, credentials: Credentials | undefined) {
    const run = `${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`;
    this.target = {
      endpoint: settings.endpoint,
      protocol: settings.protocol,
      region: settings.region,
      bucket: settings.bucket ?? `holdfast-bench-${run}`,
      credentials,
    };
    // Never the bucket itself, which may be somebody's: only what bears this run's name is written and removed.
    this.namePrefix = settings.bucket === undefined ? '' : `holdfast-bench-${run}/`;
    const timeoutMs = Math.min(settings.timeoutMs, CONTROL_TIMEOUT_MS_MAX);
    this.#connection = new HttpConnection(endpointOf(settings.endpoint), timeoutMs, 1);
    this.#factory = new RequestFactory(this.target, Date.now);
    const nothing = new ContentChecker(new ContentSource(''), new RandomSequence(0), 0, 1);
    this.#response = new ResponseBody(nothing);
    this.#drawn = settings.bucket === undefined;
    this.#ours = this.#drawn && settings.protocol === 'http';
  }

  /** Whether `remove` will remove it. */
  get ours(): boolean {
    return this.#ours;
  }

  /** Makes the bucket unless it is there. Throws `request-refused` or `peer-unavailable` with one clear line. */
  async prepare(signal: AbortSignal): Promise<void> {
    const { endpoint, protocol, bucket, region } = this.target;
    const breakOff = (): void => this.#connection.destroy();
    signal.addEventListener('abort', breakOff);
    try {
      signal.throwIfAborted();
      if (protocol === 'http') {
        // Folders come with their first object; this only tells whether anything answers.
        await this.#exchange({ method: 'HEAD', name: '' });
        return;
      }
      const found = await this.#exchange({ method: 'HEAD', name: '' });
      if (found.status === 200) return;
      // A HEAD's refusal has no body: the request that makes the bucket tells what is wrong.
      const body =
        region === REGION_UNNAMED
          ? ''
          : '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
            `<LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
      // An answer that does not come leaves open whether the bucket is there.
      this.#ours = this.#drawn;
      const made = await this.#exchange({ method: 'PUT', name: '' }, body);
      this.#ours = false;
      requireStatus(made, this.#response, 200, 201, 204);
      // Only what was not there has been made: of a bucket that the HEAD could not see, S3 may answer a PUT well.
      this.#ours = this.#drawn || found.status === 404;
    } catch (error) {
      throw explained(error, `cannot use bucket ${bucket} at ${endpoint}`);
    } finally {
      signal.removeEventListener('abort', breakOff);
    }
  }

  /** Removes the bucket if it is ours; its objects have gone before. Throws as `prepare` does. */
  async remove(): Promise<void> {
    if (!this.#ours) return;
    const { endpoint, protocol, bucket } = this.target;
    try {
      // DAV names a folder with a slash behind it, and removes what is below.
      const asFolder = protocol === 'http';
      const removed = await this.#exchange({ method: 'DELETE', name: '', asFolder });
      if (protocol === 's3') requireStatus(removed, this.#response, 200, 204, 404);
      this.#ours = false;
    } catch (error) {
      throw explained(error, `bucket ${bucket} at ${endpoint} is left behind`);
    }
  }

  close(): void {
    this.#connection.destroy();
  }

  async #exchange(parts: RequestParts, text?: string): Promise<ResponseHead> {
    const body = text === undefined || text === '' ? undefined : textBody(text);
    const length = text === undefined ? {} : { contentLength: body?.lengthBytes ?? 0 };
    const head = this.#factory.head({ ...parts, ...length });
    this.#response.discard();
    const watch = setInterval(() => this.#connection.checkProgress(performance.now()), 1000);
    try {
      return await this.#connection.exchange({
        head,
        body,
        responseWithoutBody: parts.method === 'HEAD',
        receiver: this.#response,
      });
    } finally {
      clearInterval(watch);
    }
  }
}

function explained(error: unknown, context: string): HoldfastError {
  const code = error instanceof OperationFailure ? error.code : 'peer-unavailable';
  return new HoldfastError(code, `${context}: ${errorText(error)}`, { cause: error });
}
