/**
 * The inner loop of CRC-64/NVME as a WebAssembly module, because JavaScript has no fast integers of 64 bits. Sixteen bytes a
 * step ("slicing by 16", after Kounavis and Berry, 2005): the tables lie at the beginning of the memory, the bytes behind them.
 *
 *     update(from: i32, wholeEnd: i32, end: i32, crc: i64): i64      bytes from … wholeEnd in steps of 16, to end one by one
 *
 * The encoding is that of the WebAssembly Core Specification 1.0, chapter 5.
 */
export const SLICES = 16;
export const TABLE_BYTES = SLICES * 256 * 8;
const PAGE_BYTES = 64 * 1024;

const I32 = 0x7f;
const I64 = 0x7e;
const op = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  br: (depth: number) => [0x0c, depth],
  brIf: (depth: number) => [0x0d, depth],
  get: (local: number) => [0x20, local],
  set: (local: number) => [0x21, local],
  i64Load: (offset: number) => [0x29, 3, ...unsigned(offset)],
  i64LoadUnaligned: (offset: number) => [0x29, 0, ...unsigned(offset)],
  i64LoadByte: [0x31, 0, 0],
  i32Const: (value: number) => [0x41, ...signed(value)],
  i64Const: (value: number) => [0x42, ...signed(value)],
  i32GeU: [0x4f],
  i32Add: [0x6a],
  i32And: [0x71],
  i64Xor: [0x85],
  i64Shl: [0x86],
  i64ShrU: [0x88],
  wrap: [0xa7],
} as const;

const local = { from: 0, wholeEnd: 1, end: 2, crc: 3, second: 4 } as const;

/** @param bufferBytes room for the bytes behind the tables. */
export function crc64Module(bufferBytes: number): Uint8Array<ArrayBuffer> {
  const type = [0x60, 4, I32, I32, I32, I64, 1, I64];
  const pages = Math.ceil((TABLE_BYTES + bufferBytes) / PAGE_BYTES);
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  const body = [1, 1, I64, ...wholeSteps(), ...singleBytes(), ...op.get(local.crc), ...op.end];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, ...type]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, ...unsigned(pages)]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('update'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
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
  const step = [...op.get(local.from), ...op.i32Const(bytes), ...op.i32Add, ...op.set(local.from)];
  return [...step, ...op.br(0), ...op.end, ...op.end];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/** Signed LEB128 of a number that is not negative. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x3f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}
