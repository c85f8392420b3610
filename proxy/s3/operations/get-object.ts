/** GetObject (Amazon S3 API Reference). */
import { streamResponse } from '#proxy/http/response-body.ts';
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
  const { stripes } = await readLayout(context.cluster.bodies, reading.record);
  await streamResponse(reply.response, async (sink, gone) => {
    reply.head(reading.status, reading.headers);
    const { start, end } = reading.range;
    if (start < end) await context.cluster.bodies.read(stripes, start, end, sink, gone);
  });
}
