import { badRequest } from '../errors.ts';
import { swiftLimits } from '../limits.ts';

/** Any UTF-8 of up to 1,024 bytes names an object; what is no UTF-8, or has a NUL, has been refused with the path. */
export function checkObjectName(name: string): void {
  const bytes = Buffer.byteLength(name);
  const max = swiftLimits.max_object_name_length;
  if (bytes > max) throw badRequest(`Object name length of ${bytes} longer than ${max}`);
}
