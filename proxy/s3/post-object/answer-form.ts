/** The answer to a form: a redirection, a document, or nothing ("success_action_redirect", "success_action_status"). */
import type { FlatHeaders } from '../reply.ts';
import type { S3Request } from '../request.ts';
import { XmlWriter } from '../xml/writer.ts';

const URL_CHARACTERS_MAX = 2048;

export function answerForm(request: S3Request, fields: ReadonlyMap<string, string>, etag: string): void {
  const key = fields.get('key') ?? '';
  const path = `${request.rawPath.replace(/\/$/, '')}/${key.split('/').map(encodeURIComponent).join('/')}`;
  const location = `http://${request.header('host') ?? ''}${path}`;
  const headers: FlatHeaders = ['ETag', `"${etag}"`];
  const redirect = redirection(fields.get('success_action_redirect') ?? fields.get('redirect'));
  if (redirect !== undefined) {
    const found = { bucket: request.bucket, key, etag: `"${etag}"` };
    const query = Object.entries(found).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    const joined = `${redirect}${redirect.includes('?') ? '&' : '?'}${query.join('&')}`;
    return request.reply.empty(303, ['Location', joined, ...headers]);
  }
  headers.push('Location', location);
  const status = fields.get('success_action_status');
  if (status === '200') return request.reply.empty(200, headers);
  if (status !== '201') return request.reply.empty(204, headers);
  const xml = new XmlWriter('PostResponse', false).element('Location', location);
  xml.element('Bucket', request.bucket).element('Key', key).element('ETag', `"${etag}"`);
  request.reply.xml(201, xml.done(), headers);
}

/** Undefined when it is no URL that a browser could be sent to. */
function redirection(text: string | undefined): string | undefined {
  if (text === undefined || text.length > URL_CHARACTERS_MAX || !/^[\x21-\x7e]+$/.test(text))
    return undefined;
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') ? text : undefined;
}
