/** What S3, Swift and plain HTTP have in common: an object is a path, a part of it a range (RFC 9110, section 14). */
import { endpointOf } from '../../load/load-worker.ts';
import { textBody } from '../../load/multipart-upload.ts';
import { OperationFailure, refused } from '../../load/operation-failure.ts';
import { RequestFactory, type RequestParts } from '../../load/request-factory.ts';
import { elementText } from '../../load/response-body.ts';
import { headerValue, type ResponseHead } from '../../load/response-reader.ts';
import type { ContentRange } from './content-range.ts';
import { contentBody, type HttpLane, HttpLanes } from './http-lanes.ts';
import {
  type MediaObject,
  type MediaTarget,
  placeNotEmpty,
  placeTaken,
  type Recording,
  type TargetSpec,
  type TargetTraits,
} from './target.ts';

const TRAITS = {
  caches: "none on the meter's side; the server's own is not known",
  durability: 'a write counts when the server has answered: see what the server promises',
  writable: true,
  growing: false,
  verified: true,
  appendBytesMin: 1,
} as const;

export interface Answer {
  readonly head: ResponseHead;
  readonly text: string;
}

export abstract class ObjectStoreTarget implements MediaTarget {
  protected readonly spec: TargetSpec;
  readonly content: ContentRange;
  /** Further header lines of every request, each ended by CR LF. */
  protected extraLines = '';
  #factory: RequestFactory;
  #lanes: HttpLanes;

  constructor(spec: TargetSpec, content: ContentRange) {
    this.spec = spec;
    this.content = content;
    this.#factory = this.#newFactory(spec.place);
    this.#lanes = this.#newLanes(spec.place);
  }

  get traits(): TargetTraits {
    return { ...TRAITS, url: this.spec.url, protocol: this.spec.scheme };
  }

  abstract prepare(): Promise<void>;
  abstract record(object: MediaObject): Promise<Recording>;
  abstract list(prefix: string, limit: number): Promise<number>;
  abstract removePlace(): Promise<void>;

  async put(object: MediaObject): Promise<void> {
    await this.putRange({ method: 'PUT', name: this.nameOf(object) }, object, 0, object.sizeBytes);
  }

  async read(object: MediaObject, position: number, lengthBytes: number): Promise<void> {
    // An object that is not ours may be longer than the frames that are asked of it.
    const whole = this.traits.verified && position === 0 && lengthBytes === object.sizeBytes;
    const range = whole ? '' : `Range: bytes=${position}-${position + lengthBytes - 1}\r\n`;
    await this.#lanes.use(async ({ connection, receiver }) => {
      receiver.compare(this.traits.verified ? object.key : undefined, position);
      const name = this.nameOf(object);
      const head = this.#factory.head({ method: 'GET', name, extraLines: this.extraLines + range });
      const answer = await connection.exchange({ head, receiver });
      requireAnswer({ head: answer, text: receiver.text() }, whole ? 200 : 206);
      if (receiver.receivedBytes !== lengthBytes)
        throw new OperationFailure(
          'data-corrupt',
          'length-mismatch',
          `${name}: ${receiver.receivedBytes} bytes came, not ${lengthBytes}`,
        );
      if (receiver.mismatchAt >= 0)
        throw new OperationFailure(
          'data-corrupt',
          'content-mismatch',
          `${name} differs near byte ${receiver.mismatchAt}`,
        );
    });
  }

  async remove(object: MediaObject): Promise<void> {
    requireAnswer(await this.exchange({ method: 'DELETE', name: this.nameOf(object) }), 200, 202, 204);
  }

  async stat(object: MediaObject): Promise<number | undefined> {
    const answer = await this.exchange({ method: 'HEAD', name: this.nameOf(object) });
    if (answer.head.status === 404) return undefined;
    requireAnswer(answer, 200);
    return answer.head.contentLength ?? 0;
  }

  breakOff(): void {
    this.#lanes.breakOff();
  }

  close(): void {
    this.#lanes.close();
  }

  protected nameOf(object: MediaObject): string {
    return this.spec.prefix + object.name;
  }

  /** Throws when the bucket is to be the run's alone and what it holds may be somebody's. */
  protected requireOurs(): void {
    const { ownBucket, drawn, reuse, bucket } = this.spec;
    if (ownBucket && !drawn && !reuse) throw placeTaken(bucket);
  }

  /**
   * Removes the bucket if it was made for this run, or taken up again and is empty. Throws `condition-failed` where it was
   * made for this run and something is in it.
   */
  protected async removeOwn(made: boolean, ...allowed: number[]): Promise<void> {
    const { ownBucket, drawn, reuse, bucket } = this.spec;
    if (!ownBucket || !(made || drawn || reuse)) return;
    const removed = await this.exchange({ method: 'DELETE', name: '' });
    if (removed.head.status !== 409) requireAnswer(removed, ...allowed);
    // What else is in one that was there is not ours.
    else if (made || drawn) throw placeNotEmpty(bucket);
  }

  /** Goes on at another server, as an answer has told. */
  protected moveTo(place: string): void {
    this.#lanes.close();
    this.#factory = this.#newFactory(place);
    this.#lanes = this.#newLanes(place);
  }

  /** Sends part of an object; throws unless it is accepted. */
  async putRange(
    parts: RequestParts,
    object: MediaObject,
    start: number,
    lengthBytes: number,
  ): Promise<Answer> {
    return await this.#lanes.use(async (lane) => {
      const extraLines = this.extraLines + (parts.extraLines ?? '');
      const head = this.#factory.head({ ...parts, extraLines, contentLength: lengthBytes });
      const body = contentBody(this.content, object.key, start, lengthBytes);
      const answer = await lane.connection.exchange({ head, body, receiver: lane.receiver.keep() });
      return requireAnswer({ head: answer, text: lane.receiver.text() }, 200, 201, 204);
    });
  }

  async exchange(parts: RequestParts, text?: string): Promise<Answer> {
    return await this.#lanes.use((lane) => this.#exchangeOn(lane, parts, text));
  }

  async #exchangeOn(lane: HttpLane, parts: RequestParts, text: string | undefined): Promise<Answer> {
    const body = text === undefined ? undefined : textBody(text);
    const extraLines = this.extraLines + (parts.extraLines ?? '');
    const length = body === undefined ? {} : { contentLength: body.lengthBytes };
    const head = this.#factory.head({ ...parts, ...length, extraLines });
    const request = {
      head,
      body,
      receiver: lane.receiver.keep(),
      responseWithoutBody: parts.method === 'HEAD',
    };
    const answer = await lane.connection.exchange(request);
    return { head: answer, text: lane.receiver.text() };
  }

  #newFactory(endpoint: string): RequestFactory {
    const { scheme, region, bucket, user, secret, sessionToken } = this.spec;
    const credentials =
      scheme === 's3' && user !== ''
        ? { accessKeyId: user, secretAccessKey: secret, sessionToken: sessionToken || undefined }
        : undefined;
    const protocol = scheme === 's3' ? 's3' : 'http';
    return new RequestFactory({ endpoint, protocol, region, bucket, credentials }, Date.now);
  }

  #newLanes(place: string): HttpLanes {
    return new HttpLanes(endpointOf(place), this.spec.timeoutMs, this.spec.connections, this.content);
  }
}

/** Throws the failure that another status is. */
export function requireAnswer(answer: Answer, ...allowed: number[]): Answer {
  const { status } = answer.head;
  if (allowed.includes(status)) return answer;
  const code = elementText(answer.text, 'Code').slice(0, 60);
  const said = elementText(answer.text, 'Message').slice(0, 200);
  const ignored = status === 200 && allowed.includes(206) ? 'the server ignores ranges' : said;
  throw refused(status, code, ignored);
}

export function header(answer: Answer, name: string): string {
  return headerValue(answer.head, name) ?? '';
}
