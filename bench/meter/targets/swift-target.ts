/**
 * Objects of a Swift container, with a token of TempAuth's v1 (OpenStack Object Storage API reference, Authentication). A
 * recording is a static large object: segments, then their manifest.
 */
import { HoldfastError } from '#common/errors.ts';
import { OperationFailure, refused } from '../../load/operation-failure.ts';
import type { RequestParts } from '../../load/request-factory.ts';
import { type Answer, header, ObjectStoreTarget, requireAnswer } from './object-store-target.ts';
import type { MediaObject, Recording, TargetTraits } from './target.ts';

/** Of a manifest; Swift's default. */
const SEGMENTS_MAX = 1000;
const SEGMENT_BYTES_MIN = 2 ** 20;
const AUTH_MS_MAX = 30_000;
/** Between two tokens that are asked for because one was refused. */
const AUTH_AGAIN_MS = 1000;

interface Segment {
  readonly path: string;
  readonly size_bytes: number;
  readonly etag: string;
}

export class SwiftTarget extends ObjectStoreTarget {
  override get traits(): TargetTraits {
    return { ...super.traits, appendBytesMin: SEGMENT_BYTES_MIN, appendsMax: SEGMENTS_MAX };
  }

  #authenticatedAtMs = 0;
  #authenticating: Promise<void> | undefined;
  #storage = '';
  #made = false;

  // Tokens end, and servers forget them: the failure counts, and what is asked for later has a new one.

  override async read(object: MediaObject, position: number, lengthBytes: number): Promise<void> {
    await this.#renewing(() => super.read(object, position, lengthBytes));
  }

  override async putRange(
    parts: RequestParts,
    object: MediaObject,
    start: number,
    lengthBytes: number,
  ): Promise<Answer> {
    return await this.#renewing(() => super.putRange(parts, object, start, lengthBytes));
  }

  override async exchange(parts: RequestParts, text?: string): Promise<Answer> {
    const answer = await super.exchange(parts, text);
    if (answer.head.status === 401) await this.#renew();
    return answer;
  }

  async prepare(): Promise<void> {
    await this.#authenticate();
    const answer = requireAnswer(await this.exchange({ method: 'PUT', name: '' }, ''), 201, 202, 204);
    // 202: it was there.
    if (answer.head.status === 201) this.#made = true;
    else if ((await this.list('', 1)) > 0) this.requireOurs();
  }

  async record(object: MediaObject): Promise<Recording> {
    const name = this.nameOf(object);
    const segments: Segment[] = [];
    let next = 0;
    return await Promise.resolve({
      append: async (position, lengthBytes) => {
        const index = next++;
        if (index >= SEGMENTS_MAX)
          throw new OperationFailure(
            'invalid-argument',
            'too-many-parts',
            `more than ${SEGMENTS_MAX} segments`,
          );
        const segment = segmentName(name, index);
        const answer = await this.putRange({ method: 'PUT', name: segment }, object, position, lengthBytes);
        const etag = header(answer, 'etag').replaceAll('"', '');
        segments[index] = { path: `/${this.spec.bucket}/${segment}`, size_bytes: lengthBytes, etag };
      },
      finish: async () => {
        const parts = { method: 'PUT', name, query: 'multipart-manifest=put' };
        requireAnswer(await this.exchange(parts, JSON.stringify(segments)), 201);
      },
      // Segments may still be on their way: they go with the object, when it is removed.
      abort: () => Promise.resolve(),
    });
  }

  /** What is left of an object whose manifest never came is removed too. Tried once more when the token was refused. */
  override async remove(object: MediaObject): Promise<void> {
    try {
      await this.#remove(this.nameOf(object));
    } catch (error) {
      if (!isTokenRefused(error)) throw error;
      await this.#remove(this.nameOf(object));
    }
  }

  async #remove(name: string): Promise<void> {
    const found = await this.exchange({ method: 'HEAD', name });
    if (found.head.status === 404) await this.#removeSegments(name);
    requireAnswer(found, 200, 204);
    // The segments of a large object go with it only when that is asked for, and of another that may not be asked.
    const large = header(found, 'x-static-large-object').toLowerCase() === 'true';
    const query = large ? { query: 'multipart-manifest=delete' } : {};
    const removed = requireAnswer(await this.exchange({ method: 'DELETE', name, ...query }), 200, 204);
    // How the segments fared stands in the body.
    const status = /^Response Status: (\d+)/m.exec(removed.text)?.[1] ?? '200';
    if (!status.startsWith('2')) throw refused(Number(status), '', removed.text.trim().slice(0, 200));
  }

  async #removeSegments(name: string): Promise<void> {
    const prefix = `prefix=${encodeURIComponent(segmentName(name, undefined))}`;
    for (let marker = ''; ; ) {
      const query = `${prefix}&marker=${encodeURIComponent(marker)}`;
      const page = namesOf(
        requireAnswer(await this.exchange({ method: 'GET', name: '', query }), 200, 204, 404),
      );
      const last = page.at(-1);
      if (last === undefined) return;
      for (const segment of page)
        requireAnswer(await this.exchange({ method: 'DELETE', name: segment }), 200, 204, 404);
      marker = last;
    }
  }

  async list(prefix: string, limit: number): Promise<number> {
    const query = `limit=${limit}&prefix=${encodeURIComponent(this.spec.prefix + prefix)}`;
    return namesOf(requireAnswer(await this.exchange({ method: 'GET', name: '', query }), 200, 204)).length;
  }

  async removePlace(): Promise<void> {
    await this.removeOwn(this.#made, 204, 404);
  }

  async #renewing<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      if (isTokenRefused(error)) await this.#renew();
      throw error;
    }
  }

  /** All whose token was refused at once wait for one new one. */
  async #renew(): Promise<void> {
    if (performance.now() - this.#authenticatedAtMs > AUTH_AGAIN_MS)
      this.#authenticating = this.#authenticate().catch(() => undefined);
    await this.#authenticating;
  }

  async #authenticate(): Promise<void> {
    const { place, user, secret, region } = this.spec;
    this.#authenticatedAtMs = performance.now();
    let answer: Response;
    try {
      answer = await fetch(place, {
        headers: { 'x-auth-user': user, 'x-auth-key': secret },
        signal: AbortSignal.timeout(AUTH_MS_MAX),
      });
    } catch (error) {
      throw new HoldfastError('peer-unavailable', `${place} does not answer`, { cause: error });
    }
    await answer.arrayBuffer();
    const token = answer.headers.get('x-auth-token');
    const storageUrl = answer.headers.get('x-storage-url');
    if (!answer.ok || token === null || storageUrl === null)
      throw new OperationFailure(
        'request-refused',
        `http-${answer.status}`,
        `${place} refuses ${user}: http-${answer.status}`,
      );
    this.extraLines = `X-Auth-Token: ${token}\r\n`;
    // A storage URL of one's own, for servers that tell an address which is not reachable from here.
    const storage = region === '' ? storageUrl : region;
    if (storage !== this.#storage) this.moveTo(storage);
    this.#storage = storage;
  }
}

function isTokenRefused(error: unknown): boolean {
  return error instanceof OperationFailure && error.kind.startsWith('http-401');
}

/** @param index undefined for what the names of all begin with. */
function segmentName(name: string, index: number | undefined): string {
  return `${name}.segments/${index === undefined ? '' : String(index).padStart(6, '0')}`;
}

function namesOf({ text, head }: Answer): string[] {
  return head.status === 404 ? [] : text.split('\n').filter((line) => line !== '');
}
