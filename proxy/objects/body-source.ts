/** Where the bytes of a body are read from, whatever it is made of. */
import type { Bodies, BodySink, Stripe } from '#cluster/cluster.ts';
import { readLayout } from './object-body.ts';
import type { ObjectRecord } from './object-record.ts';

export interface BodySource {
  readonly sizeBytes: number;
  /**
   * Finds out whether reading can begin at `start`, so that a refusal can still be told to the client. Reading is
   * possible without it.
   */
  prepare(start: number, end: number): Promise<void>;
  /** Bytes `start` … `end` (excluded) in order; throws when `signal` aborts. */
  read(start: number, end: number, sink: BodySink, signal?: AbortSignal): Promise<void>;
}

/** Bytes that are all there. */
export function bytesSource(bytes: Buffer): BodySource {
  return {
    sizeBytes: bytes.length,
    prepare: async () => {},
    read: async (start, end, sink) => {
      if (start < end) await sink(bytes.subarray(start, end));
    },
  };
}

/** An object's own body. */
export function recordSource(bodies: Bodies, record: ObjectRecord): BodySource {
  if (record.body.form === 'inline') return bytesSource(record.body.bytes);
  let stripes: readonly Stripe[] | undefined;
  const prepare = async () => {
    stripes ??= (await readLayout(bodies, record)).stripes;
  };
  return {
    sizeBytes: record.metadata.sizeBytes,
    prepare,
    read: async (start, end, sink, signal) => {
      await prepare();
      if (start < end) await bodies.read(stripes ?? [], start, end, sink, signal);
    },
  };
}

/** A piece of a body that is put together from others. */
export interface SourcePart {
  readonly lengthBytes: number;
  /** Where the piece begins in what `open` gives. */
  readonly offset: number;
  open(): Promise<BodySource>;
}

/** The parts one behind the other; one is opened only when its turn has come. */
export class JoinedSource implements BodySource {
  readonly sizeBytes: number;
  readonly #parts: readonly SourcePart[];
  /** The part that `prepare` has opened. */
  #prepared: { readonly part: SourcePart; readonly source: BodySource } | undefined;

  constructor(parts: readonly SourcePart[]) {
    this.#parts = parts;
    let sizeBytes = 0;
    for (const part of parts) sizeBytes += part.lengthBytes;
    this.sizeBytes = sizeBytes;
  }

  async prepare(start: number, end: number): Promise<void> {
    for (const { part, from, to } of this.#within(start, end)) {
      const source = await part.open();
      await source.prepare(from, to);
      this.#prepared = { part, source };
      return;
    }
  }

  async read(start: number, end: number, sink: BodySink, signal?: AbortSignal): Promise<void> {
    for (const { part, from, to } of this.#within(start, end)) {
      signal?.throwIfAborted();
      const source = this.#prepared?.part === part ? this.#prepared.source : await part.open();
      await source.read(from, to, sink, signal);
    }
  }

  *#within(start: number, end: number): Generator<{ part: SourcePart; from: number; to: number }> {
    let at = 0;
    for (const part of this.#parts) {
      if (at >= end) return;
      const from = Math.max(0, start - at);
      const to = Math.min(part.lengthBytes, end - at);
      at += part.lengthBytes;
      if (from < to) yield { part, from: part.offset + from, to: part.offset + to };
    }
  }
}
