/** What the modules of this folder have in common: the encoding of the WebAssembly Core Specification 2.0, chapter 5. */

export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;
export const WASM_PAGE_BYTES = 64 * 1024;

/** Instructions that more than one module has. */
export const op = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  br: (depth: number) => [0x0c, depth],
  brIf: (depth: number) => [0x0d, depth],
  get: (local: number) => [0x20, local],
  set: (local: number) => [0x21, local],
  i32Const: (value: number) => [0x41, ...signed(value)],
  i32GeU: [0x4f],
  i32Add: [0x6a],
} as const;

export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly number[];
  readonly results: readonly number[];
  /** Further locals, all of one type. */
  readonly locals: { readonly count: number; readonly type: number } | undefined;
  /** Without its last `end`. */
  readonly code: readonly number[];
}

/** One that is the module's own and exported as `memory`, or one that is shared and imported as `env.memory`. */
export interface WasmMemory {
  readonly pages: number;
  readonly imported: boolean;
}

/** The part of WebAssembly's interface that is used here: Node has it, and its types come with browsers' only. */
interface WebAssemblyHost {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports?: object) => { readonly exports: unknown };
}

/** A module of functions over one memory, with each function exported by its name. */
export function wasmModule(memory: WasmMemory, functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters, results }) => [
    0x60,
    ...[parameters.length, ...parameters],
    ...[results.length, ...results],
  ]);
  const exported = functions.map(({ name }, index) => [...named(name), 0, index]);
  const bodies = functions.map(({ locals, code }) => {
    const declared = locals === undefined ? [0] : [1, ...unsigned(locals.count), locals.type];
    const body = [...declared, ...code, 0x0b];
    return [...unsigned(body.length), ...body];
  });
  const pages = unsigned(memory.pages);
  const shared = [1, ...named('env'), ...named('memory'), 2, 3, ...pages, ...pages];
  const own = [1, 0, ...pages];
  if (!memory.imported) exported.push([...named('memory'), 2, 0]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...(memory.imported ? section(2, shared) : []),
    ...section(3, [functions.length, ...functions.keys()]),
    ...(memory.imported ? [] : section(5, own)),
    ...section(7, vector(exported)),
    ...section(10, vector(bodies)),
  ]);
}

/** @param memory what an imported memory is: a `WebAssembly.Memory` of exactly as many pages as the module says. */
export function instantiate<Exports>(bytes: Uint8Array<ArrayBuffer>, memory?: object): Exports {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyHost };
  const module = new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(module, memory && { env: { memory } }).exports as Exports;
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function named(text: string): number[] {
  return [text.length, ...Buffer.from(text)];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/** Signed LEB128, of a number of 32 bits. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  while (rest > 0x3f || rest < -0x40) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  return [...bytes, rest & 0x7f];
}
