// tus: a client behind something that knows no PATCH says what it means in a header of a POST.
import type { IncomingMessage } from 'node:http';
import { PREFIX } from './options.ts';

const METHODS = new Set(['PATCH', 'DELETE', 'HEAD']);

/** Takes `X-HTTP-Method-Override` for the method of a request to an upload, before anybody looks for its route. */
export function takeOverriddenMethod(request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): void {
  const { method, url, headers } = request;
  if (method !== 'POST' || !url?.startsWith(`${PREFIX}/`) || headers['tus-resumable'] === undefined) return;
  const meant = String(headers['x-http-method-override'] ?? '').toUpperCase();
  if (METHODS.has(meant)) request.method = meant;
}
