// Requests for host names that are not this site's are refused (DNS rebinding, poisoned links).
import type { onRequestHookHandler } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers under any name, as it tells nothing that is anybody's. */
    anyHost?: boolean;
  }
}

/** `allowed`: exact names, `.example.org` for a domain with all its subdomains, `*` for any. */
export function createHostCheck(allowed: readonly string[]): onRequestHookHandler {
  const serves = (host: string | undefined): boolean => {
    const name = hostName(host);
    return name !== undefined && isAllowedHost(name, allowed);
  };
  return (request, reply, done) => {
    if (request.routeOptions.config.anyHost) return done();
    const { headers, url = '' } = request.raw;
    // A whole address may stand where the path should (RFC 9112 section 3.2.2); its host counts as much as the header.
    const target = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url);
    if (serves(headers.host) && (!target || serves(target[1]))) return done();
    void reply.code(400).send({ error: 'This host name is not served here.' });
    return undefined;
  };
}

function isAllowedHost(name: string, allowed: readonly string[]): boolean {
  return allowed.some((entry) => {
    if (entry === '*' || entry === name) return true;
    return entry.startsWith('.') && (name.endsWith(entry) || name === entry.slice(1));
  });
}

/** The Host header's name in lower case, without port and final dot. */
function hostName(header: string | undefined): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec(header?.toLowerCase() ?? '');
  return match?.[1]?.replace(/\.$/, '');
}
