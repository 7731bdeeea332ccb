// Which addresses are the operator's own proxies. What they say of a request is believed.
import { BlockList, isIPv6 } from 'node:net';

/** The networks that the three names stand for. */
const NETWORKS: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** `proxies`: addresses, networks or names, as in the settings. */
export function createProxyCheck(proxies: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const entry of proxies.flatMap((proxy) => NETWORKS[proxy] ?? [proxy])) {
    const [network = '', bits] = entry.split('/');
    const family = isIPv6(network) ? 'ipv6' : 'ipv4';
    list.addSubnet(network, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return (address = '') =>
    proxies.length > 0 && address !== '' && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
