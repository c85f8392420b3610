/** `counts.json`: what was counted when a device was closed, so that opening it need not count again. docs/formats/index.md. */
import type { Files } from '#common/io/files.ts';
import { readWholeFile, replaceFile } from '#common/io/whole-file.ts';
import type { LogPosition } from './log.ts';
import type { RecordCounts } from './record-counts.ts';

const COUNTS_FILE = 'counts.json';
const COUNTS_BYTES_MAX = 64 * 1024 * 1024;
const VERSION = 1;

export interface BlobCounts {
  blobs: number;
  blobBytes: number;
}

interface SavedCounts extends BlobCounts {
  readonly version: number;
  /** Where the log ended. */
  readonly end: LogPosition;
  readonly records: number;
  readonly tombstones: number;
  readonly purgesKnownFrom: number;
  /** number, live bytes, purge bytes */
  readonly segments: readonly (readonly [number, number, number])[];
}

export async function saveCounts(
  files: Files,
  path: string,
  end: LogPosition,
  records: RecordCounts,
  blobs: BlobCounts,
): Promise<void> {
  const saved: SavedCounts = {
    version: VERSION,
    end,
    records: records.records,
    tombstones: records.tombstones,
    purgesKnownFrom: records.purgesKnownFrom,
    blobs: blobs.blobs,
    blobBytes: blobs.blobBytes,
    segments: Array.from(
      records.segments,
      ([number, one]) => [number, one.liveBytes, one.purgeBytes] as const,
    ),
  };
  await replaceFile(files, `${path}/${COUNTS_FILE}`, Buffer.from(JSON.stringify(saved)));
}

/**
 * Takes the file away and fills `records` from it. Returns the blobs' counts, or undefined when there is no file, or it is not for
 * a log that ends at `end`.
 */
export async function takeCounts(
  files: Files,
  path: string,
  end: LogPosition,
  records: RecordCounts,
): Promise<BlobCounts | undefined> {
  if (!(await files.exists(`${path}/${COUNTS_FILE}`))) return undefined;
  const bytes = await readWholeFile(files, `${path}/${COUNTS_FILE}`, COUNTS_BYTES_MAX);
  // From here on the device changes: after a crash the file must not be there.
  await files.unlink(`${path}/${COUNTS_FILE}`);
  await files.syncDirectory(path);
  const saved = parse(bytes);
  if (saved?.end.segment !== end.segment || saved.end.offset !== end.offset) return undefined;
  records.records = saved.records;
  records.tombstones = saved.tombstones;
  records.purgesKnownFrom = saved.purgesKnownFrom;
  for (const [number, liveBytes, purgeBytes] of saved.segments) {
    Object.assign(records.segment(number), { liveBytes, purgeBytes });
  }
  records.complete = true;
  return { blobs: saved.blobs, blobBytes: saved.blobBytes };
}

function parse(bytes: Buffer): SavedCounts | undefined {
  try {
    const saved = JSON.parse(bytes.toString('utf8')) as SavedCounts;
    return saved.version === VERSION ? saved : undefined;
  } catch {
    return undefined;
  }
}
