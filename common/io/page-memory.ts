/** Memory that begins with a page, which a disk can take bytes from directly. JavaScript promises that of nothing but WebAssembly's. */

const UNIT_BYTES = 64 * 1024;

/** The part of WebAssembly's interface that is used here: Node has it, and its types come with browsers' only. */
interface WebAssemblyHost {
  readonly Memory: new (units: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => PageMemory;
}

/** A `WebAssembly.Memory`: code can be given it, and so can other threads. */
export interface PageMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Zeros, at least as many as asked for. The system gives the memory when it is first touched. */
export function pageMemory(bytes: number): PageMemory {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyHost };
  const units = Math.ceil(bytes / UNIT_BYTES);
  return new WebAssembly.Memory({ initial: units, maximum: units, shared: true });
}
