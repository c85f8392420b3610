/** GetObject (Amazon S3 API Reference). */
import { streamResponse } from '#proxy/http/response-body.ts';
import { recordSource } from '#proxy/objects/body-source.ts';
import type { S3Context } from '../context.ts';
import { segmentsOf } from '../large-object.ts';
import { beginReading, type Reading } from '../object-reading.ts';
import type { Reply } from '../reply.ts';
import type { Operation } from '../request.ts';

export const getObject: Operation = async (request, context) => {
  const reading = await beginReading(request, context);
  if (reading === undefined) return;
  const { body } = reading.record;
  if (body.form !== 'inline' || reading.source !== undefined)
    return sendSource(request.reply, context, reading);
  request.reply.head(reading.status, reading.headers);
  // Head and body leave in one write: the response corks the socket while it ends.
  request.reply.response.end(body.bytes.subarray(reading.range.start, reading.range.end));
};

async function sendSource(reply: Reply, context: S3Context, reading: Reading): Promise<void> {
  const source = reading.source ?? recordSource(context.cluster.bodies, reading.record);
  const { start, end } = reading.range;
  await segmentsOf(source.prepare(start, end));
  await streamResponse(reply.response, async (sink, gone) => {
    reply.head(reading.status, reading.headers);
    await segmentsOf(source.read(start, end, sink, gone));
  });
}
