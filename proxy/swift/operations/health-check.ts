/** GET /healthcheck: whether this proxy serves (Object Storage administrator guide, "Health check"). */
import type { Operation } from '../request.ts';

export const healthCheck: Operation = ({ reply }) => {
  reply.body(200, 'text/plain; charset=UTF-8', 'OK');
  return Promise.resolve();
};
