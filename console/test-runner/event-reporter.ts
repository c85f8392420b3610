/** A reporter of node:test that hands what happens to the parent process, in place of text for a person. */
import { describeError, isSkipped, isToldAlready, type TestEnd } from './group-report.ts';

/** What a shared process tells its parent. */
export type FromSharedProcess =
  | { readonly type: 'passed'; readonly skipped: boolean }
  | { readonly type: 'failed'; readonly name: string; readonly text: string }
  /** The file has ended: all that it has to tell has been told. */
  | { readonly type: 'ended'; readonly file: string }
  /** Something that belongs to no test, such as an error that came after its test had ended. */
  | { readonly type: 'remark'; readonly text: string };

interface Event {
  readonly type: string;
  readonly data: TestEnd & { readonly nesting: number; readonly message?: string };
}

export default async function* report(events: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    for (const message of messagesOf(type, data)) process.send?.(message);
    yield '';
  }
}

function messagesOf(type: string, data: Event['data']): FromSharedProcess[] {
  if (type === 'test:diagnostic')
    return /^(?:Error|Warning): /.test(data.message ?? '')
      ? [{ type: 'remark', text: data.message ?? '' }]
      : [];
  if (type !== 'test:pass' && type !== 'test:fail') return [];
  const messages: FromSharedProcess[] = [];
  const isSuite = data.details.type === 'suite';
  const isFile = isSuite && data.nesting === 0;
  if (type === 'test:fail') {
    if (!isToldAlready(data))
      messages.push({
        type: 'failed',
        name: isFile ? 'the file itself' : data.name,
        text: describeError(data.details.error),
      });
  } else if (!isSuite) messages.push({ type: 'passed', skipped: isSkipped(data) });
  if (isFile) messages.push({ type: 'ended', file: data.name });
  return messages;
}
