/** The values that a run writes: each once, and each known again by its body, byte for byte, and by its ETag. */
import { contentOf, etagOfOnePart, md5 } from '../crash/content.ts';
import type { Value } from '../../simulator/operation.ts';

export interface NewValue {
  readonly value: string;
  readonly body: Buffer;
  readonly etag: string;
}

export class Values {
  readonly #bodies = new Map<string, { readonly number: number; readonly bytes: number }>();
  readonly #etags = new Map<string, string>();
  readonly #etagOf = new Map<string, string>();
  #number = 0;

  /** @param inOnePart whether it is written as an upload of one part, which has an ETag of its own kind. */
  make(bytes: number, inOnePart: boolean): NewValue {
    this.#number += 1;
    const value = `v${this.#number}`;
    const body = contentOf('value', this.#number, bytes);
    const etag = inOnePart ? etagOfOnePart(body) : md5(body);
    this.#bodies.set(etag, { number: this.#number, bytes });
    this.#etags.set(etag, value);
    this.#etagOf.set(value, etag);
    return { value, body, etag };
  }

  /** Throws when no client has written such an ETag. */
  ofEtag(etag: string): string {
    const value = this.#etags.get(etag);
    if (value === undefined) throw new Error(`nobody has written what has the ETag ${etag}`);
    return value;
  }

  etagOf(value: Exclude<Value, undefined>): string {
    return this.#etagOf.get(value) ?? '';
  }

  /** Throws when the body is not what was written under that ETag. */
  ofBody(etag: string, body: Buffer): string {
    const value = this.ofEtag(etag);
    const { number, bytes } = this.#bodies.get(etag) ?? { number: 0, bytes: 0 };
    if (!body.equals(contentOf('value', number, bytes))) {
      throw new Error(`the body of ${value} is not what was written: ${body.length} bytes of ${bytes}`);
    }
    return value;
  }
}
