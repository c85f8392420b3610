/** GET /healthcheck: whether this proxy serves (Object Storage administrator guide, "Health check"). */
import type { Operation } from '../request.ts';

// oxlint-disable-next-line require-await
export const healthCheck: Operation = async ({ reply }) => {
  reply.body(200, 'text/plain; charset=UTF-8', 'OK');
};
