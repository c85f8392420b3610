/** Sends a body of any length as an answer, at the pace of its reader. */
import type { ServerResponse } from 'node:http';
import type { BodySink } from '#cluster/cluster.ts';
import { HoldfastError } from '#common/errors.ts';
import { Transients } from '#common/transients.ts';

/**
 * Runs `send` with a sink into the response, and a signal that aborts when the client goes away meanwhile. Throws
 * `aborted` when it has gone already; what `send` throws passes through, and the response is not ended then.
 */
export async function streamResponse(
  response: ServerResponse,
  send: (sink: BodySink, gone: AbortSignal) => Promise<void>,
): Promise<void> {
  const gone = new AbortController();
  const sink = new ResponseSink(response);
  const close = () => {
    gone.abort();
    sink.close();
  };
  response.on('close', close);
  try {
    if (response.destroyed) throw new HoldfastError('aborted');
    await send((chunk) => sink.write(chunk), gone.signal);
  } finally {
    response.off('close', close);
  }
  response.end();
}

class ResponseSink {
  readonly #response: ServerResponse;
  /** Rejects what is being written. */
  readonly #writing = new Transients<(why: HoldfastError) => void>();

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** Resolves when the system has taken the chunk, because its memory is then written over. */
  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const response = this.#response;
      // Node passes over what is written to such a one, and calls nobody back.
      if (response.destroyed || response.socket?.destroyed !== false) return reject(clientGone());
      const slot = this.#writing.add(reject);
      response.write(chunk, (error) => {
        this.#writing.remove(slot, reject);
        if (error === null || error === undefined) resolve();
        else reject(clientGone(error));
      });
    });
  }

  /** What Node had not written when the response was closed it never speaks of again. */
  close(): void {
    for (const reject of this.#writing) reject(clientGone());
  }
}

function clientGone(cause?: Error): HoldfastError {
  return new HoldfastError('aborted', 'the client has gone', { cause });
}
