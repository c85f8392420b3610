/** Sends a body of any length as an answer, at the pace of its reader. */
import type { ServerResponse } from 'node:http';
import type { BodySink } from '#cluster/cluster.ts';
import { HoldfastError } from '#common/errors.ts';

/**
 * Runs `send` with a sink into the response, and a signal that aborts when the client goes away meanwhile. Throws
 * `aborted` when it has gone already; what `send` throws passes through, and the response is not ended then.
 */
export async function streamResponse(
  response: ServerResponse,
  send: (sink: BodySink, gone: AbortSignal) => Promise<void>,
): Promise<void> {
  const gone = new AbortController();
  const close = () => gone.abort();
  response.on('close', close);
  try {
    if (response.destroyed) throw new HoldfastError('aborted');
    await send(responseSink(response), gone.signal);
  } finally {
    response.off('close', close);
  }
  response.end();
}

/** Resolves when the system has taken the chunk, because its memory is then written over. */
export function responseSink(response: ServerResponse): BodySink {
  return (chunk) =>
    new Promise((resolve, reject) => {
      response.write(chunk, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(new HoldfastError('aborted', 'the client has gone', { cause: error }));
      });
    });
}
