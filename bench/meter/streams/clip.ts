/** A clip: so many frames, stored one behind the other in one object, or each in its own. */
import type { Format } from '../codecs/codec.ts';
import type { MediaObject } from '../targets/target.ts';

const CLIP_DIGITS = 6;
const FRAME_DIGITS = 7;

export interface FrameRange {
  readonly object: MediaObject;
  readonly position: number;
  readonly lengthBytes: number;
}

export class Clip {
  readonly frames: number;
  readonly #name: string;
  readonly #number: number;
  readonly #format: Format;
  /** Where each frame begins, and behind the last the end; undefined when all frames are alike. */
  readonly #offsets: readonly number[] | undefined;

  /** @param number that no other clip of the run has. */
  constructor(kind: 'clip' | 'take', number: number, frames: number, format: Format) {
    this.frames = frames;
    this.#number = number;
    this.#name = `${kind}-${String(number).padStart(CLIP_DIGITS, '0')}`;
    this.#format = format;
    const sizes = format.frameSizesBytes;
    if (sizes.length > 1) {
      const offsets = [0];
      for (let frame = 0, end = 0; frame < frames; frame++)
        offsets.push((end += sizes[frame % sizes.length] ?? 0));
      this.#offsets = offsets;
    }
  }

  get sizeBytes(): number {
    return this.#offsetOf(this.frames);
  }

  /** All objects of the clip. */
  objects(): MediaObject[] {
    if (this.#format.layout === 'clip') return [this.#whole()];
    return Array.from({ length: this.frames }, (_, frame) => this.#ofFrame(frame));
  }

  /** Frames `from` … `to` (excluded), which lie in one object. */
  range(from: number, to: number): FrameRange {
    if (this.#format.layout === 'sequence') {
      const object = this.#ofFrame(from);
      return { object, position: 0, lengthBytes: object.sizeBytes };
    }
    const position = this.#offsetOf(from);
    return { object: this.#whole(), position, lengthBytes: this.#offsetOf(to) - position };
  }

  #whole(): MediaObject {
    return { name: this.#name, key: { family: this.#number, index: 0 }, sizeBytes: this.sizeBytes };
  }

  #ofFrame(frame: number): MediaObject {
    return {
      name: `${this.#name}/${String(frame).padStart(FRAME_DIGITS, '0')}`,
      key: { family: this.#number, index: frame + 1 },
      sizeBytes: this.#offsetOf(frame + 1) - this.#offsetOf(frame),
    };
  }

  #offsetOf(frame: number): number {
    return this.#offsets?.[frame] ?? frame * (this.#format.frameSizesBytes[0] ?? 0);
  }
}
