/** What Playwright's JSON report counts. */
export function countTests(
  report:
    | { stats: { expected: number; unexpected: number; flaky: number; skipped: number }; errors: readonly unknown[] }
    | undefined
): { passed: number; failed: number; skipped: number }
