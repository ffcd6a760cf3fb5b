/** Ends a vitest run with `N passed, N failed, N skipped` on a line of its own. */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state === 'passed' ? 'passed' : state === 'failed' ? 'failed' : 'skipped']++;
        tests++;
      }
      if (module.errors().length > 0 || (tests === 0 && module.state() === 'failed')) count.failed++;
    }
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
  }
}
