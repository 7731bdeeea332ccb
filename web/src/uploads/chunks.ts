// Bytes as the wire wants them.

export interface EncodedChunk {
  dataUrl: string;
  sha256?: string;
}

/** Throws where the file can no longer be read (moved or changed on disk). */
export async function encodeChunk(blob: Blob): Promise<EncodedChunk> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const dataUrl = await readDataUrl(new Blob([bytes], { type: 'application/octet-stream' }));
  // Hashing is for secure contexts only; without it the server compares by place alone.
  const subtle: SubtleCrypto | undefined = globalThis.crypto.subtle;
  if (!subtle) return { dataUrl };
  return { dataUrl, sha256: readHex(new Uint8Array(await subtle.digest('SHA-256', bytes))) };
}

export function readDataUrl(blob: Blob): Promise<string> {
  // Browsers differ on empty blobs; the wire knows the bare prefix.
  if (blob.size === 0) return Promise.resolve(`data:${blob.type};base64,`);
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => resolve(String(reader.result)));
    reader.addEventListener('error', () => reject(reader.error ?? new Error('unreadable')));
    reader.readAsDataURL(blob);
  });
}

export function randomLetters(count: number): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  const bytes = crypto.getRandomValues(new Uint8Array(count));
  return [...bytes].map((byte) => letters.charAt(byte % letters.length)).join('');
}

function readHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
