/**
 * A page of a bucket's open uploads. Common prefixes are folded here and not in the cluster, because a delimiter is to be
 * found in an upload's key and never in the id that follows it in the record's name.
 */
import type { Cluster, ListingStart } from '#cluster/cluster.ts';
import { recordKinds } from '#common/codec/record-key.ts';
import type { SpaceId } from '#common/ids.ts';
import type { BucketPlace } from './bucket-access.ts';
import { decodeUploadSummary, splitUploadName, uploadName } from './upload-record.ts';

const PAGE_ROWS = 1000;

export interface ListedUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedMs: number;
  /** Undefined when it is the bucket's. */
  readonly owner: SpaceId | undefined;
}

export interface UploadsQuery {
  readonly prefix: string;
  readonly delimiter: string;
  /** Only what comes behind; an empty upload id stands behind all uploads of the key, an empty key before everything. */
  readonly after: { readonly key: string; readonly uploadId: string };
  /** 0 … 1,000. */
  readonly limit: number;
}

export interface UploadsPage {
  readonly uploads: ListedUpload[];
  readonly prefixes: string[];
  readonly more: boolean;
  /** The last entry; a common prefix has no upload id. */
  readonly last: { readonly key: string; readonly uploadId: string } | undefined;
}

export async function listUploads(
  cluster: Cluster,
  bucket: BucketPlace,
  query: UploadsQuery,
): Promise<UploadsPage> {
  const uploads: ListedUpload[] = [];
  const prefixes: string[] = [];
  let last: UploadsPage['last'];
  if (query.limit === 0 || query.prefix.includes('\u0000')) return { uploads, prefixes, more: false, last };
  let start = startBehind(query);
  let folded: string | undefined;
  for (;;) {
    const page = await listRows(cluster, bucket, query.prefix, start);
    let name = '';
    for (const row of page.entries) {
      if (row.type !== 'row') continue;
      ({ name } = row);
      const { key, uploadId } = splitUploadName(name);
      if (folded !== undefined && key.startsWith(folded)) continue;
      const { initiatedMs, completing, owner } = decodeUploadSummary(row.summary);
      if (completing) continue;
      if (uploads.length + prefixes.length === query.limit) return { uploads, prefixes, more: true, last };
      folded = foldOf(key, query);
      if (folded === undefined) uploads.push({ key, uploadId, initiatedMs, owner });
      else prefixes.push(folded);
      last = folded === undefined ? { key, uploadId } : { key: folded, uploadId: '' };
    }
    if (!page.more) return { uploads, prefixes, more: false, last };
    start = folded !== undefined && name.startsWith(folded) ? { afterPrefix: folded } : { after: name };
  }
}

function foldOf(key: string, { prefix, delimiter }: UploadsQuery): string | undefined {
  const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

function startBehind(query: UploadsQuery): ListingStart | undefined {
  const { key, uploadId } = query.after;
  if (key === '') return undefined;
  const folded = key.startsWith(query.prefix) ? foldOf(key, query) : undefined;
  if (folded !== undefined) return { afterPrefix: folded };
  return uploadId === '' ? { afterPrefix: uploadName(key, '') } : { after: uploadName(key, uploadId) };
}

function listRows(cluster: Cluster, bucket: BucketPlace, prefix: string, start: ListingStart | undefined) {
  return cluster.listings.list({
    space: bucket.bucketId,
    kind: recordKinds.upload,
    shards: bucket.shards,
    prefix,
    delimiter: '',
    limit: PAGE_ROWS,
    ...(start === undefined ? {} : { start }),
  });
}
