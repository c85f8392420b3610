/** HeadObject (Amazon S3 API Reference). */
import { beginReading } from '../object-reading.ts';
import type { Operation } from '../request.ts';

export const headObject: Operation = async (request, context) => {
  const reading = await beginReading(request, context);
  if (reading === undefined) return;
  request.reply.head(reading.status, reading.headers);
  request.reply.response.end();
};
