/**
 * Two texts line by line: `- ` before a line that only `expected` has, `+ ` before one that only `actual` has.
 * Null when they are the same.
 */
export function difference(expected: readonly string[], actual: readonly string[]): string[] | null {
  if (expected.length === actual.length && expected.every((line, index) => line === actual[index]))
    return null;
  const common = commonLengths(expected, actual);
  const lines: string[] = [];
  let [e, a] = [0, 0];
  while (e < expected.length || a < actual.length) {
    if (e < expected.length && expected[e] === actual[a]) {
      lines.push(`  ${expected[e]}`);
      e += 1;
      a += 1;
    } else if (e < expected.length && (common[e + 1]?.[a] ?? 0) >= (common[e]?.[a + 1] ?? -1)) {
      lines.push(`- ${expected[e]}`);
      e += 1;
    } else {
      lines.push(`+ ${actual[a]}`);
      a += 1;
    }
  }
  return lines;
}

/** By begin in `a` and begin in `b`, how long the longest common subsequence of the rests is. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    const [row = [], below = []] = [lengths[i], lengths[i + 1]];
    for (let j = b.length - 1; j >= 0; j -= 1) {
      row[j] = a[i] === b[j] ? 1 + (below[j + 1] ?? 0) : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}
