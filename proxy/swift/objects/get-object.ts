/** GET of an object (Object Storage API reference, "Get object content and metadata"). */
import { streamResponse } from '#proxy/http/response-body.ts';
import type { Operation, SwiftRequest } from '../request.ts';
import { conflicts } from './find-object.ts';
import { beginReading, type Reading } from './object-reading.ts';

export const getObject: Operation = async (request, context) => {
  const reading = await beginReading(request, context);
  if (reading === undefined) return;
  const { record, shown, ranges, multipart } = reading;
  const [first] = ranges;
  if (shown.kind === 'plain' && record.body.form === 'inline' && multipart === undefined) {
    request.reply.head(reading.status, reading.headers);
    // Head and body leave in one write: the response corks the socket while it ends.
    request.reply.response.end(record.body.bytes.subarray(first?.start, first?.end));
    return;
  }
  await send(request, reading);
};

async function send(
  request: SwiftRequest,
  { shown, status, headers, ranges, multipart }: Reading,
): Promise<void> {
  const { source } = shown;
  const [first] = ranges;
  if (first !== undefined) await conflicts(source.prepare(first.start, first.end));
  const { response } = request.reply;
  await streamResponse(response, async (sink, gone) => {
    request.reply.head(status, headers);
    for (const [index, { start, end }] of ranges.entries()) {
      const preamble = multipart?.preambles[index];
      if (preamble !== undefined) await sink(preamble);
      await conflicts(source.read(start, end, sink, gone));
    }
    if (multipart !== undefined) await sink(multipart.end);
  });
}
