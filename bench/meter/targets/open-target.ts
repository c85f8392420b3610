/** Opens a target by its scheme. */
import { IscsiTarget } from '../iscsi/iscsi-target.ts';
import type { ContentRange } from './content-range.ts';
import { FileTarget } from './file-target.ts';
import { HttpTarget } from './http-target.ts';
import { S3Target } from './s3-target.ts';
import { SplitTarget } from './split-target.ts';
import { SwiftTarget } from './swift-target.ts';
import type { MediaTarget, TargetSpec } from './target.ts';

export function openTarget(spec: TargetSpec, content: ContentRange): MediaTarget {
  const { writer, ...read } = spec;
  const target = openOne(read, content);
  return writer === undefined ? target : new SplitTarget(target, openOne(writer, content));
}

function openOne(spec: TargetSpec, content: ContentRange): MediaTarget {
  switch (spec.scheme) {
    case 'file':
      return new FileTarget(spec, content);
    case 's3':
      return new S3Target(spec, content);
    case 'swift':
      return new SwiftTarget(spec, content);
    case 'iscsi':
      return new IscsiTarget(spec, content);
    default:
      return new HttpTarget(spec, content);
  }
}
