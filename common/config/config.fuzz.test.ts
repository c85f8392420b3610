/** Whatever an operator, or a broken disk, puts into a configuration: settings, or a list of what is wrong. */
import { test } from 'node:test';
import fc from 'fast-check';
import { hasCode } from '#common/errors.ts';
import { damagedText, fuzz, onlyRefuses } from '#common/fuzz.fixture.ts';
import { clusterFields } from './cluster-config.ts';
import { checkConfig } from './load.ts';

const YAML = `data: ./data
devices: 4
objects:
  port: 8080
  virtualHosts: [s3.example.org, &host s3.test]
storage: {processes: 2, reserveBytes: 1 GiB}
users:
  - name: ada
    account: analysts
  - *host
`;
const isRefusal = (error: unknown) => hasCode(error, 'configuration-invalid');

function check(text: string): void {
  onlyRefuses(() => checkConfig(text, 'holdfast.yaml', clusterFields), isRefusal);
}

test('any text is a configuration, or refused as one', (t) => {
  const marks = fc.constantFrom(
    '- ',
    ': ',
    '\n',
    '  ',
    '[',
    ']',
    '{',
    '}',
    '&a ',
    '*a',
    '!!x ',
    '|',
    '>',
    '#',
    '"',
    "'",
    '? ',
    '---\n',
    '<<: *a',
    'users',
    'data',
  );
  const pieces = fc.array(marks, { maxLength: 40 }).map((parts) => parts.join(''));
  fuzz(t, fc.property(fc.oneof(damagedText(fc.constant(YAML)), pieces, fc.string(), fc.json()), check), 1200);
});

test('what multiplies, refers to itself or nests without end is refused', () => {
  const levels = Array.from(
    { length: 30 },
    (_, n) => `a${n}: &a${n} [${`*a${n - 1}, `.repeat(n > 0 ? 9 : 0)}]`,
  );
  check(levels.join('\n'));
  check('users: &a [*a]');
  check('objects: &a\n  virtualHosts: *a');
  for (const open of ['[', '{a: ', '- ', '? ', '&a ', '"', '!!']) check(open.repeat(3000));
});
