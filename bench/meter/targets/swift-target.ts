/**
 * Objects of a Swift container, with a token of TempAuth's v1 (OpenStack Object Storage API reference, Authentication). A
 * recording is a static large object: segments, then their manifest.
 */
import { HoldfastError } from '#common/errors.ts';
import { OperationFailure } from '../../load/operation-failure.ts';
import { header, ObjectStoreTarget, requireAnswer } from './object-store-target.ts';
import type { MediaObject, Recording, TargetTraits } from './target.ts';

/** Of a manifest; Swift's default. */
const SEGMENTS_MAX = 1000;
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
    return { ...super.traits, appendBytesMin: 2 ** 20 };
  }

  #authenticatedAtMs = 0;
  #storage = '';

  /** Tokens end, and servers forget them: the failure counts, and what is asked for later has a new one. */
  override async read(object: MediaObject, position: number, lengthBytes: number): Promise<void> {
    try {
      await super.read(object, position, lengthBytes);
    } catch (error) {
      const refusedToken = error instanceof OperationFailure && error.kind.startsWith('http-401');
      if (refusedToken && performance.now() - this.#authenticatedAtMs > AUTH_AGAIN_MS)
        await this.#authenticate().catch(() => undefined);
      throw error;
    }
  }

  async prepare(): Promise<void> {
    await this.#authenticate();
    requireAnswer(await this.exchange({ method: 'PUT', name: '' }, ''), 201, 202, 204);
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
        const segment = `${name}.segments/${String(index).padStart(6, '0')}`;
        const answer = await this.putRange({ method: 'PUT', name: segment }, object, position, lengthBytes);
        const etag = header(answer, 'etag').replaceAll('"', '');
        segments[index] = { path: `/${this.spec.bucket}/${segment}`, size_bytes: lengthBytes, etag };
      },
      finish: async () => {
        const parts = { method: 'PUT', name, query: 'multipart-manifest=put' };
        requireAnswer(await this.exchange(parts, JSON.stringify(segments)), 201);
      },
      abort: () => Promise.resolve(),
    });
  }

  override async remove(object: MediaObject): Promise<void> {
    const name = this.nameOf(object);
    const found = await this.exchange({ method: 'HEAD', name });
    // The segments of a large object go with it only when that is asked for, and of another that may not be asked.
    const large = header(found, 'x-static-large-object').toLowerCase() === 'true';
    const query = large ? { query: 'multipart-manifest=delete' } : {};
    requireAnswer(await this.exchange({ method: 'DELETE', name, ...query }), 200, 204);
  }

  async list(prefix: string, limit: number): Promise<number> {
    const query = `limit=${limit}&prefix=${encodeURIComponent(this.spec.prefix + prefix)}`;
    const answer = requireAnswer(await this.exchange({ method: 'GET', name: '', query }), 200, 204);
    return answer.text.split('\n').filter((line) => line !== '').length;
  }

  async removePlace(): Promise<void> {
    if (this.spec.ownBucket) requireAnswer(await this.exchange({ method: 'DELETE', name: '' }), 204, 404);
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
