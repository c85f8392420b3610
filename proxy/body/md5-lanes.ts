/**
 * MD5 of many streams on one thread, up to four at a time in the lanes of vectors: two bodies cost little more than one, four a third of
 * what they cost one by one. The bytes stay where they are, in the buffer pool's memory.
 */
import type { PageMemory } from '#common/io/page-memory.ts';
import { BLOCK_BYTES, LANES, md5Module, WORDS } from './md5-module.ts';
import { instantiate } from './wasm-module.ts';

/** What the code works on: the states of four streams, and two blocks of each. */
const STATES_BYTES = 64;
const BLOCKS_BYTES = 2 * BLOCK_BYTES;
export const LANES_BYTES = STATES_BYTES + LANES * BLOCKS_BYTES;
const INITIAL_STATE = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
const LENGTH_BYTES = 8;

interface Md5Code {
  one(from: number, end: number, state: number): void;
  four(from0: number, from1: number, from2: number, from3: number, end0: number, state: number): void;
}

interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly done: () => void;
}

export class Md5Lanes {
  readonly #code: Md5Code;
  readonly #scratchAt: number;
  readonly #bytes: Uint8Array;
  /** In WebAssembly's order of bytes, little-endian, as every machine's that Node runs on. */
  readonly #states: Uint32Array;
  /** Streams with whole blocks that wait. */
  readonly #waiting: Md5Stream[] = [];

  /** @param scratchAt LANES_BYTES of the memory, from a multiple of 16 on, are this object's own. */
  constructor(memory: PageMemory, scratchAt: number) {
    this.#code = instantiate<Md5Code>(md5Module(memory.buffer.byteLength), memory);
    this.#scratchAt = scratchAt;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#states = new Uint32Array(memory.buffer, scratchAt, LANES * WORDS);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  open(): Md5Stream {
    return new Md5Stream(this.#bytes, {
      wait: (stream) => void this.#waiting.push(stream),
      finish: (stream) => this.#finish(stream),
    });
  }

  /** Goes on until the first of up to four pieces is done; false when none waits. */
  advance(): boolean {
    const { length } = this.#waiting;
    if (length === 0) return false;
    const streams = this.#waiting.splice(0, LANES);
    const places = streams.map((stream, lane) => stream.place(this.#blocksAt(lane)));
    const blocks = Math.min(...streams.map((stream) => stream.blocks));
    this.#hash(streams, places, blocks);
    // What came first is done first: a begun piece goes on, and a next one of the same stream waits for its turn.
    const begun = streams.filter((stream) => stream.passed(blocks));
    for (const stream of streams) {
      const isWaiting = begun.includes(stream) || this.#waiting.includes(stream);
      if (stream.blocks > 0 && !isWaiting) this.#waiting.push(stream);
    }
    this.#waiting.unshift(...begun);
    return true;
  }

  #hash(streams: readonly Md5Stream[], places: readonly number[], blocks: number): void {
    const first = places[0] as number;
    const end = first + blocks * BLOCK_BYTES;
    if (streams.length === 1) {
      const { state } = streams[0] as Md5Stream;
      this.#states.set(state);
      this.#code.one(first, end, this.#scratchAt);
      state.set(this.#states.subarray(0, WORDS));
      return;
    }
    for (const [lane, { state }] of streams.entries())
      for (let word = 0; word < WORDS; word++) this.#states[word * LANES + lane] = state[word] as number;
    // A lane that nobody needs hashes the first stream's bytes once more.
    const [, second = first, third = first, fourth = first] = places;
    this.#code.four(first, second, third, fourth, end, this.#scratchAt);
    for (const [lane, { state }] of streams.entries())
      for (let word = 0; word < WORDS; word++) state[word] = this.#states[word * LANES + lane] as number;
  }

  #finish(stream: Md5Stream): void {
    const at = this.#blocksAt(0);
    const length = stream.padInto(at);
    this.#states.set(stream.state);
    this.#code.one(at, at + length, this.#scratchAt);
    stream.state.set(this.#states.subarray(0, WORDS));
  }

  #blocksAt(lane: number): number {
    return this.#scratchAt + STATES_BYTES + lane * BLOCKS_BYTES;
  }
}

interface Md5StreamOwner {
  wait(stream: Md5Stream): void;
  finish(stream: Md5Stream): void;
}

/** One message. */
export class Md5Stream {
  readonly state: Uint32Array = Uint32Array.from(INITIAL_STATE);
  readonly #memory: Uint8Array;
  readonly #owner: Md5StreamOwner;
  /** The begun block. When it is full it is the next to be hashed. */
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #blockBytes = 0;
  #lengthBytes = 0;
  readonly #pieces: Piece[] = [];
  /** Of the first piece, what has been taken in. */
  #taken = 0;

  constructor(memory: Uint8Array, owner: Md5StreamOwner) {
    this.#memory = memory;
    this.#owner = owner;
  }

  /** @param done called when the bytes may be overwritten: at once, or within a later `advance`. */
  update(offset: number, length: number, done: () => void): void {
    this.#lengthBytes += length;
    this.#pieces.push({ offset, length, done });
    if (this.#pieces.length > 1) return;
    this.#begin();
    if (this.blocks > 0) this.#owner.wait(this);
  }

  /** 32 lower-case hexadecimal digits. Everything has been taken in before. */
  digest(): string {
    this.#owner.finish(this);
    return Buffer.from(this.state.buffer).toString('hex');
  }

  get hasWork(): boolean {
    return this.#pieces.length > 0;
  }

  /** Whole blocks that stand one behind the other where `place` says. */
  get blocks(): number {
    if (this.#blockBytes === BLOCK_BYTES) return 1;
    const piece = this.#pieces[0];
    return piece === undefined ? 0 : Math.floor((piece.length - this.#taken) / BLOCK_BYTES);
  }

  /** @param scratchAt where a block that is in no piece may be put. */
  place(scratchAt: number): number {
    if (this.#blockBytes < BLOCK_BYTES) return (this.#pieces[0]?.offset ?? 0) + this.#taken;
    this.#memory.set(this.#block, scratchAt);
    return scratchAt;
  }

  /** So many have been hashed. Whether more of the same piece are to be. */
  passed(blocks: number): boolean {
    const piece = this.#pieces[0];
    if (this.#blockBytes === BLOCK_BYTES) this.#blockBytes = 0;
    else this.#taken += blocks * BLOCK_BYTES;
    this.#endPieces();
    return this.#pieces[0] === piece;
  }

  /** What stands behind the message (RFC 1321, sections 3.1 and 3.2), with what is left of it; its bytes. */
  padInto(at: number): number {
    const length = this.#blockBytes + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    this.#memory.fill(0, at, at + length);
    this.#memory.set(this.#block.subarray(0, this.#blockBytes), at);
    this.#memory[at + this.#blockBytes] = 0x80;
    const view = new DataView(this.#memory.buffer, at + length - LENGTH_BYTES, LENGTH_BYTES);
    view.setBigUint64(0, BigInt(this.#lengthBytes) * 8n, true);
    return length;
  }

  /** Fills a block that was begun by the piece before. */
  #begin(): void {
    this.#taken = 0;
    if (this.#blockBytes > 0) this.#keep(BLOCK_BYTES - this.#blockBytes);
    this.#endPieces();
  }

  /** Ends the first piece when no whole block of it is left, and begins the next. */
  #endPieces(): void {
    const piece = this.#pieces[0];
    if (piece === undefined || this.#blockBytes === BLOCK_BYTES) return;
    if (piece.length - this.#taken >= BLOCK_BYTES) return;
    this.#keep(BLOCK_BYTES);
    this.#pieces.shift();
    const hasNext = this.#pieces.length > 0;
    piece.done();
    if (hasNext) this.#begin();
  }

  #keep(bytesMax: number): void {
    const { offset, length } = this.#pieces[0] as Piece;
    const bytes = Math.min(bytesMax, length - this.#taken);
    const from = offset + this.#taken;
    this.#block.set(this.#memory.subarray(from, from + bytes), this.#blockBytes);
    this.#blockBytes += bytes;
    this.#taken += bytes;
  }
}
