/**
 * Walks over a worker's objects by pages of ListObjectsV2 (Amazon S3 API reference), and checks every full walk: names
 * in order, none twice, all there.
 */
import type { ObjectSet } from './object-set.ts';
import { OperationFailure } from './operation-failure.ts';
import { elementText } from './response-body.ts';

/** The most that S3 returns. */
export const PAGE_KEYS_MAX = 1000;

export class BucketWalk {
  readonly #objects: ObjectSet;
  #continuationToken = '';
  #keys = 0;
  #lastKey = '';

  constructor(objects: ObjectSet) {
    this.#objects = objects;
  }

  query(): string {
    const token =
      this.#continuationToken === '' ? '' : `continuation-token=${encodeRfc3986(this.#continuationToken)}&`;
    return `${token}list-type=2&max-keys=${PAGE_KEYS_MAX}&prefix=${encodeRfc3986(this.#objects.prefix)}`;
  }

  /** Takes an answer's body, returns the names in it. Throws OperationFailure when the walk cannot be right. */
  page(xml: string): number {
    const keys = this.#countKeys(xml);
    this.#keys += keys;
    this.#continuationToken = elementText(xml, 'NextContinuationToken');
    if (elementText(xml, 'IsTruncated') === 'true') {
      if (this.#continuationToken === '') this.#mismatch('a truncated page has no continuation token');
      return keys;
    }
    const { presentCount, doubtfulCount } = this.#objects;
    const found = this.#keys;
    this.restart();
    if (found < presentCount || found > presentCount + doubtfulCount)
      this.#mismatch(`a walk found ${found} names, not ${presentCount}`);
    return keys;
  }

  #countKeys(xml: string): number {
    let keys = 0;
    for (let at = xml.indexOf('<Key>'); at >= 0; at = xml.indexOf('<Key>', at)) {
      const end = xml.indexOf('<', at + 5);
      const key = xml.slice(at + 5, end);
      if (key <= this.#lastKey || !key.startsWith(this.#objects.prefix))
        this.#mismatch(`${key} follows ${this.#lastKey}`);
      this.#lastKey = key;
      keys++;
      at = end;
    }
    return keys;
  }

  /** The next page is the first. */
  restart(): void {
    this.#continuationToken = '';
    this.#keys = 0;
    this.#lastKey = '';
  }

  #mismatch(detail: string): never {
    this.restart();
    throw new OperationFailure('data-corrupt', 'listing-mismatch', detail);
  }
}

/** Percent-encodes all but unreserved characters (RFC 3986, section 2.3), as signatures want it. */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
