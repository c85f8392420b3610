/**
 * The inner loops of CRC-64/NVME as a WebAssembly module, because JavaScript has no fast integers of 64 bits.
 *
 *     slice(from: i32, wholeEnd: i32, end: i32, crc: i64): i64      bytes from … wholeEnd in steps of 16, to end one by one
 *     fold(from: i32, end: i32)                                     in steps of 64: moves what the bytes are worth to the last FOLD_BYTES
 *     unfold(from: i32, end: i32)                                   of those FOLD_BYTES, from the last 16 on: what they stand for in the end
 *
 * `slice` is "slicing by 16" (after Kounavis and Berry, 2005): its tables lie at the beginning of the memory.
 *
 * `fold` is five times as fast and needs no tables. Some multiple of the polynomial has few terms, and all of them at whole
 * bytes: x^(8·4498) + Σ x^(8·e) over FOLD_TERMS. So a byte with 4498 bytes behind it may be dropped, when it is added to
 * those that stand 4498 - e behind it; sixteen neighbours at a time, as the nearest is 573 away. Read the other way round,
 * each byte takes in those before it (after Russell, "Chorba", 2024, which does so by bits):
 *
 *     fold:    v[k] = m[k] ^ Σ v[k - 4498 + e]
 *
 * What is left of the message are its last 4498 bytes, without what the last of them gave to each other, which `unfold` takes out.
 * Both read FOLD_BYTES and a step before `from`: zeros must be there.
 */
import { I32, I64, op as common, signed, unsigned, WASM_PAGE_BYTES, wasmModule } from './wasm-module.ts';

export const SLICES = 16;
export const TABLE_BYTES = SLICES * 256 * 8;
/** The highest term, in bytes; the test of this module has the sum of all terms. */
export const FOLD_BYTES = 4498;
export const FOLD_TERMS: readonly number[] = [0, 153, 355, 727, 1750, 3925];
export const FOLD_STEP_BYTES = 64;
const VECTOR_BYTES = 16;

const op = {
  ...common,
  i64Load: (offset: number) => [0x29, 3, ...unsigned(offset)],
  i64LoadUnaligned: (offset: number) => [0x29, 0, ...unsigned(offset)],
  i64LoadByte: [0x31, 0, 0],
  i64Const: (value: number) => [0x42, ...signed(value)],
  i32And: [0x71],
  i64Xor: [0x85],
  i64Shl: [0x86],
  i64ShrU: [0x88],
  wrap: [0xa7],
  i32Sub: [0x6b],
  i32LeU: [0x4d],
  v128Load: (offset: number) => [0xfd, 0x00, 0, ...unsigned(offset)],
  v128Store: (offset: number) => [0xfd, 0x0b, 0, ...unsigned(offset)],
  v128Xor: [0xfd, 0x51],
} as const;

const local = { from: 0, wholeEnd: 1, end: 2, crc: 3, second: 4 } as const;

/** @param memoryBytes of the memory, tables included. */
export function crc64Module(memoryBytes: number): Uint8Array<ArrayBuffer> {
  const memory = { pages: Math.ceil(memoryBytes / WASM_PAGE_BYTES), imported: false };
  const range = { parameters: [I32, I32], results: [], locals: undefined };
  return wasmModule(memory, [
    {
      name: 'slice',
      parameters: [I32, I32, I32, I64],
      results: [I64],
      locals: { count: 1, type: I64 },
      code: [...wholeSteps(), ...singleBytes(), ...op.get(local.crc)],
    },
    { name: 'fold', ...range, code: foldSteps() },
    { name: 'unfold', ...range, code: unfoldSteps() },
  ]);
}

/** Of fold and unfold; `from` is moved down by FOLD_BYTES, so that every offset is positive. */
const foldLocal = { from: 0, end: 1 } as const;

function foldSteps(): number[] {
  const { from, end } = foldLocal;
  const code = [...movedBy(from, op.i32Sub, FOLD_BYTES), ...movedBy(end, op.i32Sub, FOLD_BYTES)];
  code.push(...untilAt(end));
  for (let at = 0; at < FOLD_STEP_BYTES; at += VECTOR_BYTES) code.push(...takeIn(at));
  return [...code, ...stepBy(FOLD_STEP_BYTES)];
}

/** From the end down, as what a byte takes in must still be as `fold` left it. */
function unfoldSteps(): number[] {
  const { from, end } = foldLocal;
  return [
    ...movedBy(from, op.i32Sub, FOLD_BYTES),
    ...movedBy(end, op.i32Sub, FOLD_BYTES),
    ...[...op.block, ...op.loop, ...op.get(end), ...op.get(from), ...op.i32LeU, ...op.brIf(1)],
    ...movedBy(end, op.i32Sub, VECTOR_BYTES),
    ...takeIn(0, end),
    ...[...op.br(0), ...op.end, ...op.end],
  ];
}

/** Sixteen bytes, FOLD_BYTES + `at` behind where a local points. */
function takeIn(at: number, pointer: number = foldLocal.from): number[] {
  const code = [...op.get(pointer), ...op.get(pointer), ...op.v128Load(FOLD_BYTES + at)];
  for (const term of FOLD_TERMS) code.push(...op.get(pointer), ...op.v128Load(term + at), ...op.v128Xor);
  return [...code, ...op.v128Store(FOLD_BYTES + at)];
}

function movedBy(pointer: number, operation: readonly number[], bytes: number): number[] {
  return [...op.get(pointer), ...op.i32Const(bytes), ...operation, ...op.set(pointer)];
}

function wholeSteps(): number[] {
  const code: number[] = [
    ...untilAt(local.wholeEnd),
    ...[
      ...op.get(local.from),
      ...op.i64LoadUnaligned(0),
      ...op.get(local.crc),
      ...op.i64Xor,
      ...op.set(local.crc),
    ],
    ...[...op.get(local.from), ...op.i64LoadUnaligned(8), ...op.set(local.second)],
  ];
  for (let byte = 0; byte < SLICES; byte++) {
    const word = byte < 8 ? local.crc : local.second;
    code.push(...tableEntry(op.get(word), byte % 8, SLICES - 1 - byte));
    if (byte > 0) code.push(...op.i64Xor);
  }
  code.push(...op.set(local.crc), ...stepBy(16));
  return code;
}

function singleBytes(): number[] {
  const mixed = [...op.get(local.from), ...op.i64LoadByte, ...op.get(local.crc), ...op.i64Xor];
  return [
    ...untilAt(local.end),
    ...tableEntry(mixed, 0, 0),
    ...[...op.get(local.crc), ...op.i64Const(8), ...op.i64ShrU, ...op.i64Xor, ...op.set(local.crc)],
    ...stepBy(1),
  ];
}

/** The entry that a byte of a word chooses from a table of 8-byte entries. */
function tableEntry(word: readonly number[], byte: number, table: number): number[] {
  const shift =
    byte === 0 ? [...op.i64Const(3), ...op.i64Shl] : [...op.i64Const(byte * 8 - 3), ...op.i64ShrU];
  return [...word, ...shift, ...op.wrap, ...op.i32Const(0x7f8), ...op.i32And, ...op.i64Load(table * 2048)];
}

function untilAt(end: number): number[] {
  return [...op.block, ...op.loop, ...op.get(local.from), ...op.get(end), ...op.i32GeU, ...op.brIf(1)];
}

function stepBy(bytes: number): number[] {
  return [...movedBy(local.from, op.i32Add, bytes), ...op.br(0), ...op.end, ...op.end];
}
