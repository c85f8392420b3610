/** When a row says nothing of the server, and why. */
import type { Row } from './document.ts';

/** A thread that computes for this share of the time leaves responses waiting: its own limit is what was measured. */
const CPU_SHARE_MAX = 0.9;
/** Likewise an event loop that was hardly ever idle, be it for lack of a free processor. */
const UTILIZATION_MAX = 0.97;
/** Timers later than this … */
const LOOP_LAG_MS_MAX = 20;
/** … which also is this share of the 99th percentile of the latency, are part of what was measured. */
const LOOP_LAG_SHARE_MAX = 0.25;

const CONTENT_KINDS = ['content-mismatch', 'length-mismatch', 'etag-mismatch', 'listing-mismatch'];

export function invalidReasons(
  row: Pick<Row, 'generator' | 'latencyMs' | 'errorsByKind' | 'operations' | 'scheduleLagMs'>,
): string[] {
  const { generator, latencyMs } = row;
  const reasons: string[] = [];
  const lateMs = Math.max(generator.loopLagMsP99, row.scheduleLagMs?.p99 ?? 0);
  if (row.operations === 0) reasons.push('nothing-measured');
  if (CONTENT_KINDS.some((kind) => row.errorsByKind[kind] !== undefined)) reasons.push('content-failed');
  if (generator.busiestCpuShare >= CPU_SHARE_MAX) reasons.push('generator-cpu');
  else if (generator.busiestUtilization >= UTILIZATION_MAX) reasons.push('generator-starved');
  if (lateMs > LOOP_LAG_MS_MAX && lateMs > latencyMs.p99 * LOOP_LAG_SHARE_MAX) reasons.push('generator-late');
  return reasons;
}
