import type { JSX } from 'preact';
import { useNow } from '../hooks.ts';
import { tellFullTime, tellTime } from '../texts/times.ts';

export function TimeStamp({ at }: { at: string }): JSX.Element {
  const now = useNow();
  return (
    <time dateTime={at} title={tellFullTime(at)}>
      {tellTime(at, now)}
    </time>
  );
}
