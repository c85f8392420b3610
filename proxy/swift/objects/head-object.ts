/** HEAD of an object (Object Storage API reference, "Show object metadata"). */
import type { Operation } from '../request.ts';
import { beginReading } from './object-reading.ts';

export const headObject: Operation = async (request, context) => {
  const reading = await beginReading(request, context);
  if (reading === undefined) return;
  request.reply.head(reading.status, reading.headers);
  request.reply.response.end();
};
