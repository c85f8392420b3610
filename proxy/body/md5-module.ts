/**
 * The rounds of MD5 (RFC 1321, section 3.4) as a WebAssembly module: of one message, and of four messages side by side, one to
 * a lane of each vector. A step of MD5 needs the one before it, so that one message leaves most of a core idle; four take little
 * longer than one.
 *
 *     one(from: i32, end: i32, state: i32)
 *     four(from0: i32, from1: i32, from2: i32, from3: i32, end0: i32, state: i32)
 *
 * Both take in whole blocks: `from` up to `end`, the other three messages as many as the first. A state is four words A, B, C, D, and
 * that of four messages is word by word, the four messages' A first. The memory is the buffer pool's, shared and imported.
 */
import { I32, op, unsigned, V128, WASM_PAGE_BYTES, type WasmFunction, wasmModule } from './wasm-module.ts';

export const LANES = 4;
export const WORDS = 4;
export const BLOCK_BYTES = 64;
const STEPS = 64;
const VECTOR_BYTES = 16;
const WORD_BYTES = 4;

/** The T of RFC 1321. */
const SINES = Array.from({ length: STEPS }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32));
const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;

/** @param memoryBytes of the memory that is imported, whole pages. */
export function md5Module(memoryBytes: number): Uint8Array<ArrayBuffer> {
  return wasmModule({ pages: memoryBytes / WASM_PAGE_BYTES, imported: true }, [one(), four()]);
}

/** What a step is made of, of one word or of a word of each message. */
interface Words {
  /** The four of the state; what they were before the block. */
  readonly state: number;
  readonly saved: number;
  readonly load: (offset: number) => readonly number[];
  readonly store: (offset: number) => readonly number[];
  readonly bytes: number;
  readonly add: readonly number[];
  readonly and: readonly number[];
  readonly or: readonly number[];
  readonly xor: readonly number[];
  /** Of what is on the stack. */
  readonly not: readonly number[];
  readonly constant: (value: number) => readonly number[];
  readonly word: (at: number) => readonly number[];
  /** To the left, what is on the stack. */
  readonly rotate: (bits: number) => readonly number[];
}

function one(): WasmFunction {
  const [from, end, state] = [0, 1, 2];
  const load = (offset: number) => [0x28, 0, ...unsigned(offset)];
  const not = [...op.i32Const(-1), 0x73];
  const words: Words = {
    state: 3,
    saved: 7,
    load,
    store: (offset) => [0x36, 0, ...unsigned(offset)],
    bytes: WORD_BYTES,
    add: op.i32Add,
    and: [0x71],
    or: [0x72],
    xor: [0x73],
    not,
    constant: op.i32Const,
    word: (at) => [...op.get(from), ...load(at * WORD_BYTES)],
    rotate: (bits) => [...op.i32Const(bits), 0x77],
  };
  const block = [...steps(words), ...movedOn(from)];
  return {
    name: 'one',
    parameters: [I32, I32, I32],
    results: [],
    locals: { count: 2 * WORDS, type: I32 },
    code: withState(words, state, untilAt(from, end, block)),
  };
}

function four(): WasmFunction {
  const from = [0, 1, 2, 3];
  const [end, state] = [4, 5];
  const [words, scratch] = [14, 30];
  const load = (offset: number) => [0xfd, 0x00, 0, ...unsigned(offset)];
  const lanes: Words = {
    state: 6,
    saved: 10,
    load,
    store: (offset) => [0xfd, 0x0b, 0, ...unsigned(offset)],
    bytes: VECTOR_BYTES,
    add: [0xfd, ...unsigned(0xae)],
    and: [0xfd, 0x4e],
    or: [0xfd, 0x50],
    xor: [0xfd, 0x51],
    not: [0xfd, 0x4d],
    constant: (value) => [...op.i32Const(value), 0xfd, 0x11],
    word: (at) => op.get(words + at),
    rotate: (bits) => [
      ...[...op.set(scratch), ...op.get(scratch), ...op.i32Const(bits), 0xfd, ...unsigned(0xab)],
      ...[...op.get(scratch), ...op.i32Const(32 - bits), 0xfd, ...unsigned(0xad)],
      ...[0xfd, 0x50],
    ],
  };
  const block: number[] = [];
  for (let quarter = 0; quarter < WORDS; quarter++) {
    const first = words + WORDS * quarter;
    for (const [lane, pointer] of from.entries()) {
      block.push(...op.get(pointer), ...load(VECTOR_BYTES * quarter), ...op.set(first + lane));
    }
    block.push(...transposed(first, scratch));
  }
  block.push(...steps(lanes), ...from.flatMap(movedOn));
  return {
    name: 'four',
    parameters: [I32, I32, I32, I32, I32, I32],
    results: [],
    locals: { count: scratch + LANES - 6, type: V128 },
    code: withState(lanes, state, untilAt(0, end, block)),
  };
}

/** Four locals that hold four words of one message each: then the same word of every message each. */
function transposed(first: number, scratch: number): number[] {
  const shuffled = (a: number, b: number, bytes: number, half: number, into: number): number[] => {
    const order = Array.from({ length: VECTOR_BYTES }, (_, at) => {
      const piece = Math.floor(at / bytes);
      const source = Math.floor(piece / 2) * bytes + (at % bytes) + half * (VECTOR_BYTES / 2);
      return piece % 2 === 0 ? source : source + VECTOR_BYTES;
    });
    return [...op.get(a), ...op.get(b), 0xfd, 0x0d, ...order, ...op.set(into)];
  };
  return [
    ...shuffled(first, first + 1, WORD_BYTES, 0, scratch),
    ...shuffled(first, first + 1, WORD_BYTES, 1, scratch + 1),
    ...shuffled(first + 2, first + 3, WORD_BYTES, 0, scratch + 2),
    ...shuffled(first + 2, first + 3, WORD_BYTES, 1, scratch + 3),
    ...shuffled(scratch, scratch + 2, 2 * WORD_BYTES, 0, first),
    ...shuffled(scratch, scratch + 2, 2 * WORD_BYTES, 1, first + 1),
    ...shuffled(scratch + 1, scratch + 3, 2 * WORD_BYTES, 0, first + 2),
    ...shuffled(scratch + 1, scratch + 3, 2 * WORD_BYTES, 1, first + 3),
  ];
}

function steps(words: Words): number[] {
  const code: number[] = [];
  for (let word = 0; word < WORDS; word++)
    code.push(...op.get(words.state + word), ...op.set(words.saved + word));
  for (let step = 0; step < STEPS; step++) code.push(...oneStep(words, step));
  for (let word = 0; word < WORDS; word++) {
    const sum = [...op.get(words.state + word), ...op.get(words.saved + word), ...words.add];
    code.push(...sum, ...op.set(words.state + word));
  }
  return code;
}

/** a = b + ((a + f(b, c, d) + word + sine) rotated), and the four change their names. */
function oneStep(words: Words, step: number): number[] {
  const { add, and, or, xor, not } = words;
  const [a, b, c, d] = [0, 1, 2, 3].map((word) => words.state + ((word - step) & 3)) as [
    ...[number, number, number, number],
  ];
  const round = step >> 4;
  const [B, C, D] = [op.get(b), op.get(c), op.get(d)];
  const mixes = [
    [...D, ...B, ...C, ...D, ...xor, ...and, ...xor, ...add],
    // Both halves are added by themselves: they have no bit in common, and the first does not wait for b.
    [...C, ...D, ...not, ...and, ...add, ...B, ...D, ...and, ...add],
    [...C, ...D, ...xor, ...B, ...xor, ...add],
    [...C, ...D, ...not, ...B, ...or, ...xor, ...add],
  ];
  const word = [step, 5 * step + 1, 3 * step + 5, 7 * step][round] as number;
  return [
    ...[...op.get(a), ...words.word(word & 15), ...words.constant(SINES[step] as number), ...add, ...add],
    ...(mixes[round] as readonly number[]),
    ...[...words.rotate(SHIFTS[round]?.[step & 3] as number), ...B, ...add, ...op.set(a)],
  ];
}

function withState(words: Words, state: number, code: readonly number[]): number[] {
  const at = (word: number) => words.bytes * word;
  const loaded: number[] = [];
  const stored: number[] = [];
  for (let word = 0; word < WORDS; word++) {
    loaded.push(...op.get(state), ...words.load(at(word)), ...op.set(words.state + word));
    stored.push(...op.get(state), ...op.get(words.state + word), ...words.store(at(word)));
  }
  return [...loaded, ...code, ...stored];
}

function untilAt(from: number, end: number, code: readonly number[]): number[] {
  const check = [...op.get(from), ...op.get(end), ...op.i32GeU, ...op.brIf(1)];
  return [...op.block, ...op.loop, ...check, ...code, ...op.br(0), ...op.end, ...op.end];
}

function movedOn(from: number): number[] {
  return [...op.get(from), ...op.i32Const(BLOCK_BYTES), ...op.i32Add, ...op.set(from)];
}
