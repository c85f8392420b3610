/** What an engine tells the role that runs it; the role decides what is logged. */
import type { HoldfastError } from '#common/errors.ts';

export type DeviceEvent =
  /** Stored bytes failed their checksum. `where` names the file and place. */
  | { readonly type: 'data-corrupt'; readonly where: string; readonly bytes: number }
  /** The device is out of service. */
  | { readonly type: 'device-failed'; readonly cause: unknown }
  /** A group that had not been synced when the device stopped was cut off. */
  | {
      readonly type: 'log-tail-cut';
      readonly segment: number;
      readonly offset: number;
      readonly bytes: number;
    }
  | { readonly type: 'index-rebuilt'; readonly reason: string; readonly entries: number }
  | {
      readonly type: 'segment-compacted';
      readonly segment: number;
      readonly copiedBytes: number;
      readonly freedBytes: number;
    }
  | { readonly type: 'compaction-failed'; readonly error: HoldfastError }
  | { readonly type: 'full' | 'no-longer-full'; readonly freeBytes: number };

export type ReportEvent = (event: DeviceEvent) => void;
