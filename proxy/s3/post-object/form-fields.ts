/** What the fields of a form say, as the headers of a PUT would say it. */
import type { IncomingHttpHeaders } from 'node:http';
import { parseTaggingXml } from '../tagging.ts';
import type { TagSet } from '#proxy/objects/tag-set.ts';
import { invalidArgument, S3Error } from '../errors.ts';
import { checkKey } from '../request-target.ts';
import type { FormFile } from './multipart-form.ts';

type Fields = ReadonlyMap<string, string>;

const asHeaders = new Set([
  ...['cache-control', 'content-type', 'content-disposition', 'content-encoding', 'content-language'],
  ...['content-md5', 'expires'],
]);

/** The name of a file may come with the path that it has on the client's side. */
export function keyOfForm(fields: Fields, file: FormFile): string {
  const named = fields.get('key');
  if (named === undefined || named === '') {
    throw new S3Error('UserKeyMustBeSpecified');
  }
  const fileName = file.fileName.slice(
    Math.max(file.fileName.lastIndexOf('/'), file.fileName.lastIndexOf('\\')) + 1,
  );
  const key = named.replaceAll('${filename}', () => fileName);
  if (key === '') throw new S3Error('UserKeyMustBeSpecified');
  checkKey(key);
  return key;
}

export function formHeaders(fields: Fields, file: FormFile): IncomingHttpHeaders {
  const headers: Record<string, string> = { 'transfer-encoding': 'chunked' };
  if (file.contentType !== undefined) headers['content-type'] = headerText('content-type', file.contentType);
  for (const [name, value] of fields) {
    if (!asHeaders.has(name) && !name.startsWith('x-amz-')) continue;
    if (isSignature(name)) continue;
    headers[name] = headerText(name, value);
  }
  const acl = fields.get('acl');
  if (acl !== undefined) headers['x-amz-acl'] = headerText('acl', acl);
  return headers;
}

function isSignature(name: string): boolean {
  return ['x-amz-algorithm', 'x-amz-credential', 'x-amz-date', 'x-amz-signature'].includes(name);
}

/** UTF-8 as a header carries it, and nothing that would end one. */
function headerText(name: string, value: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) {
    throw invalidArgument('A form field must not contain control characters', name, value);
  }
  return Buffer.from(value).toString('latin1');
}

export function formTags(fields: Fields): TagSet {
  const tagging = fields.get('tagging');
  return tagging === undefined || tagging === '' ? [] : parseTaggingXml(Buffer.from(tagging), 'object');
}
