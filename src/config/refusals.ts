// What is refused of single settings, with the reason.
import { isIP } from 'node:net';
import type { z } from 'zod';

/** OWASP ASVS 11.2.3: at least 128 bits; a key that is printed in some example is no secret. */
export function refuseWeakKey(key: string | undefined, context: z.RefinementCtx): void {
  if (key === undefined) return;
  const weak =
    key.length < 32 ||
    new Set(key).size < 10 ||
    /change.?me|example|insecure|your.?secret|replace/i.test(key);
  if (weak) {
    context.addIssue({
      code: 'custom',
      message:
        'is too weak: use 32 or more random characters (openssl rand -hex 32), or leave it out and one is made',
    });
  }
}

export function refuseHosts(hosts: string[], context: z.RefinementCtx): void {
  for (const host of hosts) {
    if (host !== '*' && !/^(\.?[a-z0-9.-]+|\[[0-9a-f:.]+\])$/i.test(host)) {
      context.addIssue({
        code: 'custom',
        message: `"${host}" is not a host name (no scheme, no port; .example.org means all its subdomains)`,
      });
    }
  }
}

export function refuseOrigins(origins: string[], context: z.RefinementCtx): void {
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      context.addIssue({
        code: 'custom',
        message: `"${origin}" is not an origin such as https://app.example.org`,
      });
    }
  }
}

/** Addresses, networks in CIDR form, or the three names that Fastify knows. */
export function refuseProxies(proxies: string[], context: z.RefinementCtx): void {
  for (const proxy of proxies) {
    const [address = '', bits, ...rest] = proxy.split('/');
    const longest = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
    const fits = bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= longest);
    const known = ['loopback', 'linklocal', 'uniquelocal'].includes(proxy);
    if (!known && (longest === 0 || !fits || rest.length > 0)) {
      context.addIssue({
        code: 'custom',
        message: `"${proxy}" is not an address or a network such as 10.0.0.0/8`,
      });
    }
  }
}

export function refuseVideoSizes(sizes: string[], context: z.RefinementCtx): void {
  const fine =
    sizes.length > 0 &&
    sizes.every((text) => /^\d{3,4}$/.test(text) && Number(text) % 2 === 0 && Number(text) <= 2160);
  if (!fine)
    context.addIssue({
      code: 'custom',
      message: 'must list even picture heights from 100 to 2160, such as 360,720,1080',
    });
}

export function refusePictureFormats(formats: string[], context: z.RefinementCtx): void {
  if (formats.includes('webp') && formats.every((format) => format === 'webp' || format === 'avif')) return;
  context.addIssue({ code: 'custom', message: 'must be webp, or webp,avif' });
}

export function refuseRoles(roles: string[], context: z.RefinementCtx): void {
  if (roles.length > 0 && roles.every((role) => role === 'serve' || role === 'work')) return;
  context.addIssue({ code: 'custom', message: 'must be serve, work or both with a comma between' });
}
