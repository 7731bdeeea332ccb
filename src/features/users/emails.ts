// E-mail addresses: which are taken at sign-up, and when two of them count as the same.
// An address that passes holds no blank, control character or quote, so it is safe in a mail header.

import { domainToASCII } from 'node:url';
import { foldCase } from './usernames.ts';

// RFC 5321 section 4.5.3.1: 64 octets before the at sign, 254 in all.
const longest = 254;
const longestLocal = 64;

// RFC 5322 dot-atom; quoted local parts are legal and used by nobody but attackers.
const local = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
const domain = /^[\p{L}\p{M}\p{N}.-]+$/u;
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Sentences for a form; none when mail could be sent there. The domain may be in any script. */
export function emailProblems(email: string): string[] {
  if (email.trim() === '') return ['This field may not be blank.'];
  if (email.length > longest) return ['Ensure this field has no more than 254 characters.'];
  return isAddress(email) ? [] : ['Enter a valid email address.'];
}

/** What uniqueness compares: the whole address without regard to case, width or the spelling of its domain (IDNA). */
export function emailKey(email: string): string {
  const folded = foldCase(email);
  const at = folded.lastIndexOf('@') + 1;
  const host = folded.slice(at);
  return folded.slice(0, at) + (domain.test(host) ? domainToASCII(host) || host : host);
}

function isAddress(email: string): boolean {
  const at = email.lastIndexOf('@');
  const name = email.slice(0, at);
  return at > 0 && at <= longestLocal && local.test(name) && isDomain(email.slice(at + 1));
}

/** At least two labels, and a last one that is no number: an address of a machine is no address of a person. */
function isDomain(text: string): boolean {
  if (!domain.test(text)) return false;
  const labels = domainToASCII(text).split('.');
  const last = labels.at(-1) ?? '';
  return labels.length > 1 && labels.every((part) => label.test(part)) && !/^\d+$/.test(last);
}
