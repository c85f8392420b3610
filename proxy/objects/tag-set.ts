/** Tags of objects and buckets: docs/formats/access-control.md. */
import { HoldfastError } from '#common/errors.ts';

/** Names and values, in the order they were given. */
export type TagSet = readonly (readonly [name: string, value: string])[];

export const OBJECT_TAGS_MAX = 10;
export const BUCKET_TAGS_MAX = 50;

/** Throws `format-invalid`. */
export function parseStoredTags(value: unknown): TagSet {
  if (!Array.isArray(value) || value.length > BUCKET_TAGS_MAX) throw invalid();
  return value.map((each: unknown) => {
    if (!Array.isArray(each) || each.length !== 2) throw invalid();
    const [name, text] = each as readonly unknown[];
    if (typeof name !== 'string' || typeof text !== 'string') throw invalid();
    return [name, text] as const;
  });
}

function invalid(): HoldfastError {
  return new HoldfastError('format-invalid', 'stored tags are malformed');
}
