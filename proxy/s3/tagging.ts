/** Tags as headers and XML carry them (Amazon S3 User Guide, "Categorizing your objects using tags"). */
import { BUCKET_TAGS_MAX, OBJECT_TAGS_MAX, type TagSet } from '#proxy/objects/tag-set.ts';
import { invalidArgument, S3Error } from './errors.ts';
import { childOf, childText, readXml } from './xml/reader.ts';
import { XmlWriter } from './xml/writer.ts';

const NAME_CHARACTERS_MAX = 128;
const VALUE_CHARACTERS_MAX = 256;
const HEADER_CHARACTERS_MAX = 8192;
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** `name=value&…`, percent-encoded, of an object's. */
export function parseTaggingHeader(header: string): TagSet {
  if (header.length > HEADER_CHARACTERS_MAX) throw new S3Error('InvalidTag');
  const tags: [string, string][] = [];
  for (const pair of header.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    tags.push([name, equals < 0 ? '' : decode(pair.slice(equals + 1))]);
  }
  return checked(tags, OBJECT_TAGS_MAX);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalidArgument(
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      'x-amz-tagging',
      text,
    );
  }
}

export function parseTaggingXml(body: Buffer, of: 'bucket' | 'object'): TagSet {
  const root = readXml(body);
  const set = childOf(root, 'TagSet');
  if (root.name !== 'Tagging' || set === undefined) throw new S3Error('MalformedXML');
  const tags = set.children.map((tag): [string, string] => {
    const name = childText(tag, 'Key');
    const value = childText(tag, 'Value');
    if (tag.name !== 'Tag' || name === undefined || value === undefined) throw new S3Error('MalformedXML');
    return [name, value];
  });
  return checked(tags, of === 'object' ? OBJECT_TAGS_MAX : BUCKET_TAGS_MAX);
}

function checked(tags: TagSet, most: number): TagSet {
  if (tags.length > most) {
    throw new S3Error('InvalidTag', `Object tags cannot be greater than ${most}`);
  }
  const names = new Set<string>();
  for (const [name, value] of tags) {
    if (name === '' || name.length > NAME_CHARACTERS_MAX || !ALLOWED.test(name)) {
      throw new S3Error('InvalidTag', 'The TagKey you have provided is invalid');
    }
    if (value.length > VALUE_CHARACTERS_MAX || !ALLOWED.test(value)) {
      throw new S3Error('InvalidTag', 'The TagValue you have provided is invalid');
    }
    if (name.startsWith('aws:')) {
      throw new S3Error('InvalidTag', 'System tags cannot be added/updated by requester');
    }
    if (names.has(name)) throw new S3Error('InvalidTag', 'Cannot provide multiple Tags with the same key');
    names.add(name);
  }
  // A set has no order of its own: it is shown by name.
  return tags.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

export function taggingXml(tags: TagSet): string {
  const xml = new XmlWriter('Tagging').open('TagSet');
  for (const [name, value] of tags) xml.open('Tag').element('Key', name).element('Value', value).close();
  return xml.done();
}
