// Which addresses count as one: an IPv6 host commands its whole /64 (RFC 6177), an IPv4 address stands for itself,
// also where a dual-stack socket writes it as IPv6 (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2).
import { isIPv4, isIPv6 } from 'node:net';

const LONGEST = 64;

/** `192.0.2.1`, `2001:db8:0:1::/64`, or the text itself, shortened, where it is no address. A port is left out. */
export function networkOf(address: string): string {
  if (isIPv4(address)) return address;
  const bare = /^\[?([^\]%]*)(?:%[^\]]*)?(?:\](?::\d+)?)?$/.exec(address)?.[1] ?? '';
  if (isIPv6(bare)) return networkOfIPv6(bare.toLowerCase());
  const withPort = /^([\d.]+):\d+$/.exec(address)?.[1] ?? '';
  return isIPv4(withPort) ? withPort : address.slice(0, LONGEST);
}

function networkOfIPv6(address: string): string {
  const [head = '', tail] = address.split('::');
  const front = groupsOf(head);
  const back = groupsOf(tail ?? '');
  const groups = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
  const [high = 0, low = 0] = groups.slice(6);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** Groups of 16 bits; the last two may be written as IPv4. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
