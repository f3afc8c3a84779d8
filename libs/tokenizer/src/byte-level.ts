import { TextDecoder } from 'node:util';

/**
 * Byte-level tokens write each byte as one printable character: bytes that are printable in Latin-1 as themselves, the others, in order, as
 * U+0100 and up. Source: `bytes_to_unicode` of GPT-2's encoder.py, which Hugging Face's ByteLevel took over.
 */
export const CHARACTER_OF_BYTE: readonly string[] = byteCharacters();

const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = new Map(CHARACTER_OF_BYTE.map((character, byte) => [character, byte]));

/**
 * The bytes a token stands for. A token with a character outside of the alphabet (only an added token has one) stands for its own UTF-8,
 * as in the ByteLevel decoder of Hugging Face tokenizers 0.23.
 */
export function bytesOfToken(token: string): Uint8Array {
  const bytes = Array.from(token, (character) => BYTE_OF_CHARACTER.get(character) ?? -1);
  return bytes.includes(-1) ? new TextEncoder().encode(token) : Uint8Array.from(bytes);
}

/** Bytes that are not UTF-8 become U+FFFD. U+FEFF is a character like any other: by default a decoder swallows it at the start of a text. */
export function utf8Decoder(): TextDecoder {
  return new TextDecoder('utf-8', { ignoreBOM: true });
}

function byteCharacters(): string[] {
  const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}
