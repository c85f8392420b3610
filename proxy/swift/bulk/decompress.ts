/** The compressions of an archive, as streams of bounded memory, and how far they may unpack. */
import { type Duplex, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ArchiveError } from './archive-error.ts';
import { Bunzip2 } from './bunzip2.ts';

export type ArchiveForm = 'tar' | 'tar.gz' | 'tar.bz2';

/** Undefined for a form that is not known. */
export function parseArchiveForm(text: string): ArchiveForm | undefined {
  const form = text.toLowerCase().replace(/^\.+|\.+$/g, '');
  return form === 'tar' || form === 'tar.gz' || form === 'tar.bz2' ? form : undefined;
}

/** Undefined for a tar as it is. */
export function decompressor(form: ArchiveForm): Duplex | undefined {
  if (form === 'tar') return undefined;
  return form === 'tar.gz' ? createGunzip() : new Bunzip2();
}

export interface ExpansionLimits {
  /** Output that is allowed whatever the input. */
  readonly freeBytes: number;
  /** Beyond it, bytes of output a byte of input: text packs 10 to 1, a bomb 1,000 to 1 and more. */
  readonly ratioMax: number;
}

export const defaultExpansionLimits: ExpansionLimits = Object.freeze({
  freeBytes: 64 * 1024 * 1024,
  ratioMax: 200,
});

/** Counts what goes into a decompressor and what comes out, and breaks off what grows beyond all measure. */
export class ExpansionGuard {
  readonly #limits: ExpansionLimits;
  #inputBytes = 0;

  constructor(limits: ExpansionLimits) {
    this.#limits = limits;
  }

  countInput(bytes: number): void {
    this.#inputBytes += bytes;
  }

  /** To be put behind the decompressor. */
  watchOutput(): Transform {
    const { freeBytes, ratioMax } = this.#limits;
    let outputBytes = 0;
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        outputBytes += chunk.length;
        if (outputBytes > freeBytes + this.#inputBytes * ratioMax)
          done(new ArchiveError('the archive unpacks to far more than it is'));
        else done(null, chunk);
      },
    });
  }
}
