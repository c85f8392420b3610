/** ListBuckets (Amazon S3 API Reference). */
import { recordKinds } from '#common/codec/record-key.ts';
import { decodeBucketSummary } from '#control/protocol/bucket-summary.ts';
import { requireAccount } from '../access/permit.ts';
import { decodeToken, encodeToken } from '../continuation-token.ts';
import { countParameter, textParameter } from '../list-parameters.ts';
import { writeOwner } from '../object-listing.ts';
import type { Operation } from '../request.ts';
import { isoTime } from '../time-format.ts';
import { XmlWriter } from '../xml/writer.ts';

const BUCKETS_MAX = 10_000;

export const listBuckets: Operation = async (request, context) => {
  requireAccount(request, 'reads');
  const { account, accountName } = request.principal;
  const { query } = request;
  const token = query.get('continuation-token');
  const prefix = textParameter(query, 'prefix');
  const page = await context.cluster.listings.list({
    space: account,
    kind: recordKinds.bucket,
    shards: 1,
    prefix,
    delimiter: '',
    limit: Math.max(1, countParameter(query, 'max-buckets', BUCKETS_MAX)),
    ...(token === undefined || token === '' ? {} : { start: decodeToken(token) }),
  });
  const xml = new XmlWriter('ListAllMyBucketsResult');
  writeOwner(xml, 'Owner', account, accountName);
  xml.open('Buckets');
  let last = '';
  for (const entry of page.entries) {
    if (entry.type !== 'row') continue;
    const { createdMs } = decodeBucketSummary(entry.summary);
    xml.open('Bucket').element('Name', entry.name).element('CreationDate', isoTime(createdMs)).close();
    last = entry.name;
  }
  xml.close();
  if (page.more) xml.element('ContinuationToken', encodeToken({ after: last }));
  if (prefix !== '') xml.element('Prefix', prefix);
  request.reply.xml(200, xml.done());
};
