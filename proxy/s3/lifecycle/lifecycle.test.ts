/** A lifecycle configuration is checked, kept and given back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openTestBed, texts } from '../s3-test-bed.ts';

const document = (...rules: string[]) =>
  `<LifecycleConfiguration>${rules.map((rule) => `<Rule>${rule}</Rule>`).join('')}</LifecycleConfiguration>`;
const on = '<Status>Enabled</Status>';
const days = (count: number) => `<Expiration><Days>${count}</Days></Expiration>`;

test('rules come back as they were given, with an id where they had none, until they are deleted', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  const path = '/box?lifecycle';
  const filter = '<Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>';
  const abort =
    '<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>';
  const body = document(`<ID>one</ID>${filter}${on}${days(3)}`, `<Prefix>b/</Prefix>${on}${abort}`);
  assert.equal((await bed.send({ method: 'GET', path })).code, 'NoSuchLifecycleConfiguration');
  assert.equal((await bed.send({ method: 'PUT', path, body })).status, 200);
  const got = await bed.send({ method: 'GET', path });
  assert.ok(got.text.includes(filter) && got.text.includes(abort));
  const ids = texts(got.xml, 'ID');
  assert.equal(ids[0], 'one');
  assert.match(ids[1] ?? '', /^[0-9a-f]{32}$/);
  assert.equal((await bed.send({ method: 'DELETE', path })).status, 204);
  assert.equal((await bed.send({ method: 'GET', path })).code, 'NoSuchLifecycleConfiguration');
});

test('rules that say what S3 does not take are refused', async () => {
  await using bed = await openTestBed();
  await bed.send({ method: 'PUT', path: '/box' });
  const one = `<ID>one</ID><Prefix/>${on}${days(1)}`;
  for (const [body, code] of [
    [document(one, one), 'InvalidArgument'],
    [document(`<ID>${'a'.repeat(256)}</ID><Prefix/>${on}${days(1)}`), 'InvalidArgument'],
    [document(`<Prefix/>${on}${days(0)}`), 'InvalidArgument'],
    [document(`<Prefix/><Status>enabled</Status>${days(1)}`), 'MalformedXML'],
    [document(`<Prefix/>${on}<Expiration><Date>20200101</Date></Expiration>`), 'InvalidArgument'],
    [document(`<Prefix/>${on}<Expiration><Date>1970-08-22T19:15:01Z</Date></Expiration>`), 'InvalidArgument'],
    [document(`<Prefix/>${on}<Transition><Days>1</Days></Transition>`), 'InvalidArgument'],
    [document(`<Prefix/>${on}`), 'InvalidRequest'],
    [document(`<Prefix/>${on}${days(1)}<Surprise/>`), 'MalformedXML'],
    [document(), 'MalformedXML'],
  ] as const) {
    assert.equal((await bed.send({ method: 'PUT', path: '/box?lifecycle', body })).code, code, body);
  }
});
