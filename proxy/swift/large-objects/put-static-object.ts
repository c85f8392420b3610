/** PUT with multipart-manifest=put: makes a static large object of segments that are there already. */
import { httpTime } from '#proxy/http/http-time.ts';
import { formatReport, type ReportType } from '../bulk/bulk-report.ts';
import { LongAnswer } from '../bulk/long-answer.ts';
import { reportTypeOf } from '../bulk/report-type.ts';
import { statusLine } from '../bulk/status-line.ts';
import { writableContainer } from '../container-of.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import { swiftWriteCondition } from '../objects/conditions.ts';
import { checkBodyHeaders, givenEtag, putContentType, readGivenMetadata } from '../objects/put-headers.ts';
import { answerWritten } from '../objects/written-object.ts';
import type { SwiftRequest } from '../request.ts';
import { type CheckedSegments, checkSegments } from './check-segments.ts';
import { refusedSegments } from './copy-manifest.ts';
import { manifestLimits, parseManifest, type WantedSegment } from './manifest-input.ts';
import { type ManifestTarget, storeManifest } from './store-manifest.ts';

/** The sentences that go with a status in a report. */
const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request\nThe server could not comply with the request since it is either malformed or otherwise incorrect.',
  412: 'Precondition Failed\nA precondition for this request was not met.',
  422: 'Unprocessable Entity\nUnable to process the contained instructions',
};

export async function putStaticObject(request: SwiftRequest, context: SwiftContext): Promise<void> {
  const { lease } = await writableContainer(request, context);
  const { object, container } = request;
  if (request.header('x-copy-from') !== undefined) {
    throw new SwiftError(405, 'Multipart Manifest PUTs cannot be COPY requests');
  }
  const given = readGivenMetadata(request, context, putContentType(request, object));
  const condition = swiftWriteCondition((name) => request.header(name));
  checkBodyHeaders(request);
  const text = await request.openBody(context).readAll(manifestLimits.manifestBytesMax);
  const wanted = parseManifest(text.toString('utf8'), `/${container}/${object}`);
  const target = { lease, object, given, condition, etag: givenEtag(request) };
  if (request.query.flag('heartbeat')) return withHeartbeat(request, context, wanted, target);
  const checked = await checkSegments(request, context, wanted);
  if (checked.problems.length > 0) throw refusedSegments(request, checked.problems);
  const { written, etag } = await storeManifest(context, checked, target);
  answerWritten(request, written, `"${etag}"`);
}

/** The head is out before anything is known: what became of it is in the report alone. */
async function withHeartbeat(
  request: SwiftRequest,
  context: SwiftContext,
  wanted: readonly WantedSegment[],
  target: ManifestTarget,
): Promise<void> {
  const type = reportTypeOf(request.header('accept')) ?? 'text/plain';
  const answer = new LongAnswer(request.reply, context.clock, { status: 202, type, begin: true });
  try {
    const checked = await checkSegments(request, context, wanted);
    answer.finish(await reportOf(context, checked, target, type));
  } finally {
    answer.cancel();
  }
}

async function reportOf(
  context: SwiftContext,
  checked: CheckedSegments,
  target: ManifestTarget,
  type: ReportType,
): Promise<string> {
  const failed = (status: number) => {
    const fields = { 'Response Status': statusLine(status), 'Response Body': reasons[status] ?? '' };
    return formatReport({ fields, errors: checked.problems }, type, 'upload');
  };
  if (checked.problems.length > 0) return failed(400);
  try {
    const { written, etag } = await storeManifest(context, checked, target);
    if (written.outcome !== 'done') return failed(412);
    const fields = {
      'Response Status': statusLine(201),
      'Response Body': '',
      Etag: `"${etag}"`,
      'Last Modified': httpTime(written.modifiedMs),
    };
    return formatReport({ fields, errors: [] }, type, 'upload');
  } catch (error) {
    if (error instanceof SwiftError) return failed(error.status);
    throw error;
  }
}
