/** What only Swift's door gives to an object: docs/formats/object-record.md, "Metadata". */
import { asFields, integerField, stringField } from './json-section.ts';

/** A static large object: its body is a list of segments, and these are what the segments make together. */
export interface LargeObject {
  /** MD5 of the segments' ETags, without quotes. */
  readonly etag: string;
  readonly sizeBytes: number;
}

export interface SwiftProperties {
  /** Seconds since 1970 from which on the object is not there any more. */
  readonly deleteAtSeconds?: number;
  /** `container/prefix`, not encoded, of a dynamic large object's segments. */
  readonly objectManifest?: string;
  readonly largeObject?: LargeObject;
}

export function decodeSwiftProperties(value: unknown): SwiftProperties {
  const fields = asFields(value);
  const { deleteAtSeconds, objectManifest, largeObject } = fields;
  return {
    ...fields,
    ...(deleteAtSeconds === undefined
      ? undefined
      : { deleteAtSeconds: integerField(fields, 'deleteAtSeconds') }),
    ...(objectManifest === undefined ? undefined : { objectManifest: stringField(fields, 'objectManifest') }),
    ...(largeObject === undefined ? undefined : { largeObject: decodeLargeObject(largeObject) }),
  };
}

function decodeLargeObject(value: unknown): LargeObject {
  const fields = asFields(value);
  return { etag: stringField(fields, 'etag'), sizeBytes: integerField(fields, 'sizeBytes') };
}

/** Whether the object's time is over: whoever asks for it is told that there is none, until the sweep has been. */
export function isExpired(properties: SwiftProperties | undefined, nowMs: number): boolean {
  return properties?.deleteAtSeconds !== undefined && properties.deleteAtSeconds * 1000 <= nowMs;
}
