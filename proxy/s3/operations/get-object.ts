/** GetObject (Amazon S3 API Reference). */
import type { ServerResponse } from 'node:http';
import type { BodySink } from '#cluster/cluster.ts';
import { HoldfastError } from '#common/errors.ts';
import { readLayout } from '#proxy/objects/object-body.ts';
import type { S3Context } from '../context.ts';
import { beginReading, type Reading } from '../object-reading.ts';
import type { Reply } from '../reply.ts';
import type { Operation } from '../request.ts';

export const getObject: Operation = async (request, context) => {
  const reading = await beginReading(request, context);
  if (reading === undefined) return;
  const { body } = reading.record;
  if (body.form !== 'inline') return sendStripes(request.reply, context, reading);
  request.reply.head(reading.status, reading.headers);
  // Head and body leave in one write: the response corks the socket while it ends.
  request.reply.response.end(body.bytes.subarray(reading.range.start, reading.range.end));
};

async function sendStripes(reply: Reply, context: S3Context, reading: Reading): Promise<void> {
  const { response } = reply;
  const { stripes } = await readLayout(context.cluster.bodies, reading.record);
  const gone = new AbortController();
  const close = () => gone.abort();
  response.on('close', close);
  try {
    if (response.destroyed) throw new HoldfastError('aborted');
    reply.head(reading.status, reading.headers);
    const { start, end } = reading.range;
    if (start < end)
      await context.cluster.bodies.read(stripes, start, end, responseSink(response), gone.signal);
  } finally {
    response.off('close', close);
  }
  response.end();
}

/** Resolves when the system has taken the chunk, because its memory is then written over. */
function responseSink(response: ServerResponse): BodySink {
  return (chunk) =>
    new Promise((resolve, reject) => {
      response.write(chunk, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(new HoldfastError('aborted', 'the client has gone', { cause: error }));
      });
    });
}
