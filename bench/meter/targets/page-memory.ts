/** Memory that begins at a page: a WebAssembly memory's does, and nothing else that JavaScript allocates promises it. */

const WASM_PAGE_BYTES = 64 * 1024;

interface PageMemory {
  readonly buffer: ArrayBuffer;
}

/** Node has it; its types come with those of a browser, which this project does without. */
const wasm = (
  globalThis as unknown as {
    readonly WebAssembly: {
      readonly Memory: new (size: { initial: number; maximum: number }) => PageMemory;
    };
  }
).WebAssembly;

/** At least so many bytes. The system gives pages only when they are touched. */
export function pageMemory(lengthBytes: number): ArrayBuffer {
  const pages = Math.ceil(lengthBytes / WASM_PAGE_BYTES);
  return new wasm.Memory({ initial: pages, maximum: pages }).buffer;
}
