/**
 * Bytes → string, one character a byte. `Buffer.latin1Slice` is there in every Node, but not in its types;
 * `toString('latin1')` looks the encoding up each time (bench/micro/latin1.bench.ts).
 */

interface Latin1Bytes {
  latin1Slice(start: number, end: number): string
}

export function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as Latin1Bytes).latin1Slice(start, end)
}
