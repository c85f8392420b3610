/** Whatever a client sends as a target, a query or a document: a refusal in S3's words, in little time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePolicy } from '#proxy/access/policy/parse-policy.ts';
import { PolicyError } from '#proxy/access/policy/policy.ts';
import { anyBytes, damaged, damagedText, fuzz, onlyRefuses } from '#common/fuzz.fixture.ts';
import { parseRange, parseRangeSet } from '#proxy/http/byte-range.ts';
import { parseEntityTags } from '#proxy/http/conditions.ts';
import { parseHttpTime } from '#proxy/http/http-time.ts';
import { S3Error } from './errors.ts';
import { parseFormPolicy } from './post-object/form-policy.ts';
import { MultipartForm } from './post-object/multipart-form.ts';
import { parseCorsXml } from './cors/cors-xml.ts';
import { parseTarget } from './request-target.ts';
import { parseTaggingHeader, parseTaggingXml } from './tagging.ts';
import { readXml, type XmlElement, XmlError } from './xml/reader.ts';

const isS3 = (error: unknown) => error instanceof S3Error;
const isXml = (error: unknown) => error instanceof XmlError;
const DOCUMENT =
  '<?xml version="1.0"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>' +
  '<Object><Key>a&amp;b&#65;</Key><!-- c --></Object><Object><Key><![CDATA[<]]></Key></Object></Delete>';
const TAGGING = '<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>';
const CORS =
  '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>';
const POLICY =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["s3:GetObject"],' +
  '"Resource":"arn:aws:s3:::box/*","Condition":{"StringLike":{"aws:Referer":["http://*/"]}}}]}';

const markup = fc
  .array(
    fc.constantFrom(
      '<',
      '>',
      '/',
      '!',
      '?',
      '&',
      ';',
      '"',
      "'",
      '=',
      ' ',
      'a',
      ':',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '&#x',
      '<a>',
      '</a>',
    ),
  )
  .map((parts) => Buffer.from(parts.join('')));

function elementsOf(element: XmlElement): number {
  return element.children.reduce((sum, child) => sum + elementsOf(child), 1);
}

test('any document is read within its bounds, or refused', (t) => {
  const limits = { depthMax: 4, elementsMax: 10 };
  const bytes = fc.oneof(damaged(fc.constant(Buffer.from(DOCUMENT))), markup, anyBytes(100));
  fuzz(
    t,
    fc.property(bytes, (document) => {
      const root = onlyRefuses(() => readXml(document, limits), isXml);
      if (root !== undefined) assert.ok(elementsOf(root) <= limits.elementsMax);
    }),
    2000,
  );
});

test('configurations are read or refused', (t) => {
  const isRefusal = (error: unknown) => isS3(error) || isXml(error);
  const of = (text: string) => fc.oneof(damaged(fc.constant(Buffer.from(text))), markup, anyBytes(60));
  fuzz(
    t,
    fc.property(of(TAGGING), (body) => void onlyRefuses(() => parseTaggingXml(body, 'object'), isRefusal)),
  );
  fuzz(
    t,
    fc.property(of(CORS), (body) => void onlyRefuses(() => parseCorsXml(body), isRefusal)),
  );
  fuzz(
    t,
    fc.property(fc.string(), (text) => void onlyRefuses(() => parseTaggingHeader(text), isS3)),
  );
  const policies = fc.oneof(damagedText(fc.constant(POLICY)), fc.json(), fc.string());
  fuzz(
    t,
    fc.property(policies, (text) => {
      onlyRefuses(
        () => parsePolicy(text),
        (error) => error instanceof PolicyError,
      );
      onlyRefuses(() => parseFormPolicy(Buffer.from(text).toString('base64')), isS3);
      onlyRefuses(() => parseFormPolicy(text), isS3);
    }),
    1000,
  );
});

test('targets and headers are read or refused', (t) => {
  const url = fc.oneof(fc.string(), damagedText(fc.constant('/box/a%20b/%C3%BC?list-type=2&prefix=%2F&x')));
  fuzz(
    t,
    fc.property(url, fc.option(fc.string()), (text, host) => {
      onlyRefuses(() => parseTarget(`/${text}`, host ?? undefined, ['s3.test']), isS3);
      parseEntityTags(text);
      parseHttpTime(text);
    }),
    1000,
  );
  const range = fc.oneof(
    fc.string(),
    damagedText(fc.constantFrom('bytes=0-9', 'bytes=-5', 'bytes=1-2,4-,-7')),
  );
  fuzz(
    t,
    fc.property(range, fc.nat(100), (header, sizeBytes) => {
      const limits = { rangesMax: 5, overlapsMax: 2, descentsMax: 2 };
      const one = parseRange(header, sizeBytes);
      const several = parseRangeSet(header, sizeBytes, limits);
      for (const found of [one, ...(Array.isArray(several) ? several : [])]) {
        if (found === undefined || found === 'unsatisfiable') continue;
        assert.ok(found.start >= 0 && found.start < found.end && found.end <= sizeBytes, header);
      }
    }),
    1500,
  );
});

test('a form is received or refused, however it is cut', async (t) => {
  const form =
    '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nphotos/${filename}\r\n' +
    '--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\nbody\r\n--b--\r\n';
  const bytes = fc.oneof(
    damaged(fc.constant(Buffer.from(form))),
    anyBytes(200),
    fc.constant(Buffer.from(form)),
  );
  await fuzz(
    t,
    fc.asyncProperty(bytes, fc.integer({ min: 1, max: 300 }), async (body, step) => {
      let at = 0;
      const next = async (): Promise<Buffer | undefined> => {
        if (at >= body.length) return undefined;
        at += step;
        return Buffer.from(body.subarray(at - step, at));
      };
      try {
        await new MultipartForm('multipart/form-data; boundary=b', next).receiveFields();
      } catch (error) {
        if (!isS3(error)) throw error;
      }
    }),
  );
});
