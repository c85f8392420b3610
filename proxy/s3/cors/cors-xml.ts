/** CORS rules as XML (Amazon S3 API Reference, "CORSConfiguration"). */
import { S3Error } from '../errors.ts';
import { childText, readXml, type XmlElement } from '../xml/reader.ts';
import { XmlWriter } from '../xml/writer.ts';
import { corsMethods, type CorsRule } from './cors-rules.ts';

const RULES_MAX = 100;
const VALUES_MAX = 100;
const TEXT_CHARACTERS_MAX = 1024;

export function corsXml(rules: readonly CorsRule[]): string {
  const xml = new XmlWriter('CORSConfiguration');
  for (const rule of rules) {
    xml.open('CORSRule').optional('ID', rule.id);
    for (const header of rule.headers) xml.element('AllowedHeader', header);
    for (const method of rule.methods) xml.element('AllowedMethod', method);
    for (const origin of rule.origins) xml.element('AllowedOrigin', origin);
    for (const header of rule.exposed) xml.element('ExposeHeader', header);
    xml.optional('MaxAgeSeconds', rule.maxAgeSeconds).close();
  }
  return xml.done();
}

export function parseCorsXml(body: Buffer): CorsRule[] {
  const root = readXml(body);
  const rules = root.children.filter(({ name }) => name === 'CORSRule');
  const wellFormed = root.name === 'CORSConfiguration' && rules.length === root.children.length;
  if (!wellFormed || rules.length === 0 || rules.length > RULES_MAX) throw new S3Error('MalformedXML');
  return rules.map(parseRule);
}

function parseRule(element: XmlElement): CorsRule {
  const id = childText(element, 'ID')?.trim();
  const methods = textsOf(element, 'AllowedMethod');
  const origins = textsOf(element, 'AllowedOrigin');
  const headers = textsOf(element, 'AllowedHeader').map((header) => header.toLowerCase());
  const exposed = textsOf(element, 'ExposeHeader');
  if (methods.length === 0 || origins.length === 0) throw new S3Error('MalformedXML');
  for (const method of methods) {
    if (corsMethods.some((known) => known === method)) continue;
    throw new S3Error(
      'InvalidRequest',
      `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
    );
  }
  for (const [what, values] of [
    ['AllowedOrigin', origins],
    ['AllowedHeader', headers],
  ] as const) {
    const several = values.find((value) => value.split('*').length > 2);
    if (several !== undefined) {
      throw new S3Error('InvalidRequest', `${what} "${several}" can not have more than one wildcard.`);
    }
  }
  const maxAge = childText(element, 'MaxAgeSeconds')?.trim();
  if (maxAge !== undefined && !/^\d{1,9}$/.test(maxAge)) throw new S3Error('MalformedXML');
  return {
    ...(id === undefined || id === '' ? undefined : { id }),
    origins,
    methods,
    headers,
    exposed,
    ...(maxAge === undefined ? undefined : { maxAgeSeconds: Number(maxAge) }),
  };
}

/** Texts become headers of answers: what could end a header is refused. */
function textsOf(element: XmlElement, name: string): string[] {
  const texts = element.children.filter((child) => child.name === name).map(({ text }) => text.trim());
  if (texts.length > VALUES_MAX) throw new S3Error('MalformedXML');
  for (const text of texts) {
    if (text === '' || text.length > TEXT_CHARACTERS_MAX || !/^[\x20-\x7e]+$/.test(text)) {
      throw new S3Error('MalformedXML');
    }
  }
  return texts;
}
