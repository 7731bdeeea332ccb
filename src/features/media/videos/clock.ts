/** `00:01:02.500000` in seconds; 0 for `N/A`. Both ffmpeg's progress and Matroska's tags write times so. */
export function readClock(text: string): number {
  const match = /^(\d+):(\d+):(\d+(?:\.\d+)?)/.exec(text);
  return match ? Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]) : 0;
}
