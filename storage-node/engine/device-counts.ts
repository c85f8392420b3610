/** `counts.json`: what a device had when it was closed, so that opening it need not count its blobs again. docs/formats/index.md. */
import type { Files } from '#common/io/files.ts';
import { readWholeFile, replaceFile } from '#common/io/whole-file.ts';
import type { RecordCounts } from './record-counts.ts';

const COUNTS_FILE = 'counts.json';
const COUNTS_BYTES_MAX = 1024 * 1024;
const VERSION = 2;

export interface BlobCounts {
  blobs: number;
  blobBytes: number;
}

interface SavedCounts extends BlobCounts {
  readonly version: number;
  /** For whoever looks at a device that is closed; the index has them. */
  readonly records: number;
  readonly tombstones: number;
}

export async function saveCounts(
  files: Files,
  path: string,
  { records, tombstones }: RecordCounts,
  { blobs, blobBytes }: BlobCounts,
): Promise<void> {
  const saved: SavedCounts = { version: VERSION, records, tombstones, blobs, blobBytes };
  await replaceFile(files, `${path}/${COUNTS_FILE}`, Buffer.from(JSON.stringify(saved)));
}

/** Takes the file away. Returns undefined when there is none, or none that can be believed. */
export async function takeCounts(files: Files, path: string): Promise<BlobCounts | undefined> {
  if (!(await files.exists(`${path}/${COUNTS_FILE}`))) return undefined;
  const bytes = await readWholeFile(files, `${path}/${COUNTS_FILE}`, COUNTS_BYTES_MAX);
  // From here on the device changes: after a crash the file must not be there.
  await files.unlink(`${path}/${COUNTS_FILE}`);
  await files.syncDirectory(path);
  return parse(bytes);
}

function parse(bytes: Buffer): BlobCounts | undefined {
  try {
    const { version, blobs, blobBytes } = JSON.parse(bytes.toString('utf8')) as SavedCounts;
    return version === VERSION ? { blobs, blobBytes } : undefined;
  } catch {
    return undefined;
  }
}
