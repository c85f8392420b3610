/**
 * Pages of memory for the headers of blobs that are being written: the disk takes a blob's beginning from the caller's memory in one
 * call with its header only when that lies in a page, too.
 */
import { pageMemory } from '#common/io/page-memory.ts';
import { BLOB_HEADER_BYTES } from './blob-format.ts';

const PAGES = 64;

/** A header that waits to be written. */
export interface HeaderPage {
  readonly bytes: Buffer;
  /** It is written, or never will be; may be called again. */
  release(): void;
}

export class HeaderPages {
  readonly #memory = pageMemory(PAGES * BLOB_HEADER_BYTES);
  readonly #free = Array.from({ length: PAGES }, (_, index) => index);

  /** The same bytes in a page; as they are when all pages are taken, which a disk then takes through its cache. */
  hold(header: Buffer): HeaderPage {
    const index = this.#free.pop();
    if (index === undefined) return { bytes: header, release: () => undefined };
    const bytes = Buffer.from(this.#memory.buffer, index * BLOB_HEADER_BYTES, BLOB_HEADER_BYTES);
    header.copy(bytes);
    let held = true;
    const release = (): void => {
      if (held) this.#free.push(index);
      held = false;
    };
    return { bytes, release };
  }
}
