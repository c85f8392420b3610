/** `?bulk-delete`: removes what the body names, one percent-encoded name a line (Object Storage API, "Bulk delete"). */
import type { RequestBody } from '#proxy/body/request-body.ts';
import { badRequest, SwiftError } from '../errors.ts';
import { permit } from '../permission.ts';
import { checkBodyHeaders } from '../objects/put-headers.ts';
import { decodePercent } from '../query.ts';
import type { Operation } from '../request.ts';
import { bulkLimits } from './bulk-limits.ts';
import { formatReport } from './bulk-report.ts';
import { Removals } from './delete-names.ts';
import { LongAnswer } from './long-answer.ts';
import { reportTypeOf } from './report-type.ts';

/** A container's name and an object's, every byte of them encoded. */
const LINE_BYTES_MAX = 3 * (256 + 1024 + 2);

export const bulkDelete: Operation = async (request, context) => {
  const type = reportTypeOf(request.header('accept'));
  if (type === undefined) throw new SwiftError(406);
  const contentType = request.header('content-type');
  if (contentType !== undefined && contentType !== '' && !contentType.startsWith('text/plain')) {
    throw new SwiftError(406, 'The names to delete are text/plain, one a line');
  }
  // Each name is judged on its own; somebody without a name of his own is sent to get one first.
  if (request.caller === undefined) await permit(request, context, { scope: 'account' });
  checkBodyHeaders(request);
  const lines = await readLines(request.openBody(context));
  const answer = new LongAnswer(request.reply, context.clock, { status: 200, type });
  try {
    const removals = new Removals(request, context);
    const names: string[] = [];
    for (const line of lines) {
      const name = decodePercent(line)?.replace(/^\/+/, '');
      if (name === undefined || name.includes('\u0000')) removals.refuse(line, '412 Precondition Failed');
      else if (name !== '') names.push(name);
    }
    await removals.remove(names);
    answer.finish(formatReport(removals.report(), type, 'delete'));
  } finally {
    answer.cancel();
  }
};

/** The lines that are not empty, Latin-1. Throws 413 for too many, 400 for one that is no name. */
async function readLines(body: RequestBody): Promise<string[]> {
  const lines: string[] = [];
  let rest = '';
  for await (const piece of body.pieces()) {
    const parts = (rest + piece.toString('latin1')).split('\n');
    rest = parts.pop() ?? '';
    take(lines, parts);
    if (rest.length > LINE_BYTES_MAX) throw badRequest('Invalid File Name');
  }
  take(lines, [rest]);
  return lines;
}

function take(lines: string[], parts: readonly string[]): void {
  for (const part of parts) {
    const line = part.trim();
    if (line.length > LINE_BYTES_MAX) throw badRequest('Invalid File Name');
    if (line !== '') lines.push(line);
    if (lines.length > bulkLimits.deletesMax) {
      throw new SwiftError(413, `Maximum Bulk Deletes: ${bulkLimits.deletesMax} per request`);
    }
  }
}
