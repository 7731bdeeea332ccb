// OWASP's secure headers, on every answer. The content policy is that of the page, and harmless on JSON; what may be kept
// by caches says so itself.
// Media may be shown by pages of other origins, so there is no Cross-Origin-Resource-Policy; whether the site is reached
// by HTTPS is known to the proxy in front, which is where Strict-Transport-Security belongs.

const POLICY = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' blob: data:",
  'media-src': "'self' blob:",
  'connect-src': "'self' ws: wss:",
  'worker-src': "'self' blob:",
  'font-src': "'self'",
  'manifest-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'self'",
  'frame-ancestors': "'none'",
};

/** What may come from where the files are, when they are sent from another origin. */
const FILES = new Set(['img-src', 'media-src', 'connect-src']);

export function createSecureHeaders(filesOrigin?: string): Readonly<Record<string, string>> {
  const more = filesOrigin === undefined ? '' : ` ${filesOrigin}`;
  return {
    'cache-control': 'no-store',
    'content-security-policy': Object.entries(POLICY)
      .map(([directive, sources]) => `${directive} ${sources}${FILES.has(directive) ? more : ''}`)
      .join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}

export const secureHeaders = createSecureHeaders();
