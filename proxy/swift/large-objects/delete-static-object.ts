/** DELETE with multipart-manifest=delete: the segments of a static large object, those of its segments, and it. */
import { readManifest } from '#proxy/large-objects/representation.ts';
import { readObject } from '#proxy/objects/object-store.ts';
import { isExpired } from '#proxy/objects/swift-properties.ts';
import { formatReport } from '../bulk/bulk-report.ts';
import { Removals } from '../bulk/delete-names.ts';
import { LongAnswer } from '../bulk/long-answer.ts';
import { reportTypeOf } from '../bulk/report-type.ts';
import type { SwiftContext } from '../context.ts';
import { SwiftError } from '../errors.ts';
import { besides, writableElsewhere } from '../objects/elsewhere.ts';
import type { SwiftRequest } from '../request.ts';
import { manifestLimits } from './manifest-input.ts';

const NAMES_MAX = manifestLimits.segmentsMax * 10;

interface Doomed {
  readonly segments: Set<string>;
  /** The inner ones last: they go before those that refer to them. */
  readonly manifests: string[];
}

export async function deleteStaticObject(request: SwiftRequest, context: SwiftContext): Promise<void> {
  const type = reportTypeOf(request.header('accept'));
  if (type === undefined) throw new SwiftError(406);
  const { container, object } = request;
  await writableElsewhere(request, context, besides(request, container), 'DELETE');
  const answer = new LongAnswer(request.reply, context.clock, { status: 200, type });
  try {
    const removals = new Removals(request, context);
    const doomed: Doomed = { segments: new Set(), manifests: [] };
    const refusal = await collect(request, context, `${container}/${object}`, doomed);
    if (refusal === undefined) {
      await removals.remove([...doomed.segments]);
      // A manifest whose segments are not all gone stays, so that its deletion can be repeated.
      if (!removals.failed) for (const name of doomed.manifests.toReversed()) await removals.remove([name]);
    } else if (refusal === 'missing') removals.countNotFound();
    else removals.refuse(`${container}/${object}`, refusal);
    answer.finish(formatReport(removals.report(), type, 'delete'));
  } finally {
    answer.cancel();
  }
}

/** What stands in the way of deleting the named object as a static large one; undefined when nothing does. */
async function collect(
  request: SwiftRequest,
  context: SwiftContext,
  name: string,
  doomed: Doomed,
): Promise<string | undefined> {
  const [container = '', ...rest] = name.split('/');
  const { bucket } = await writableElsewhere(request, context, besides(request, container), 'DELETE');
  const record = await readObject(context.cluster, bucket, rest.join('/'));
  if (record === undefined || isExpired(record.metadata.swift, context.clock.nowMs())) return 'missing';
  if (record.metadata.swift?.largeObject === undefined) return 'Not an SLO manifest';
  doomed.manifests.push(name);
  for (const segment of await readManifest(context.cluster, record)) {
    if ('data' in segment) continue;
    const path = segment.name.slice(1);
    if (doomed.segments.size + doomed.manifests.length > NAMES_MAX)
      return 'Too many buffered slo segments to delete.';
    if (segment.sub_slo !== true) doomed.segments.add(path);
    else if (!doomed.manifests.includes(path)) await collect(request, context, path, doomed);
  }
  return undefined;
}
