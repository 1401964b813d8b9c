/**
 * A vitest reporter that says at the very end which tests did not run and why, so that a green run on a machine without
 * Java is never mistaken for a whole one. The reason is the note of `context.skip(note)`, or stands in a title as `(SKIPPED, reason)`.
 */

/** So many skipped tests of one reason are named; the count always covers all of them. */
const namesMax = 5

/** @param {{ note?: string }} result @param {string} fullName titles of the groups and of the test */
export function reasonOf(result, fullName) {
  return result.note ?? /\(SKIPPED,\s*(?<reason>[^)]*)\)/.exec(fullName)?.groups.reason ?? 'no reason given, which is a defect'
}

/** @param {{ name: string, reason: string }[]} skipped @returns {string} */
export function formatSkipped(skipped) {
  if (skipped.length === 0) return 'Skipped tests: 0\n'
  const byReason = new Map()
  for (const { name, reason } of skipped) byReason.set(reason, [...(byReason.get(reason) ?? []), name])
  const lines = [`SKIPPED TESTS: ${skipped.length} did not run`]
  for (const [reason, names] of byReason) {
    lines.push(`  ${names.length} because: ${reason}`)
    for (const name of names.slice(0, namesMax)) lines.push(`    - ${name}`)
    if (names.length > namesMax) lines.push(`    - and ${names.length - namesMax} more`)
  }
  return `${lines.join('\n')}\n`
}

export default class SkippedTestsReporter {
  onTestRunEnd(testModules) {
    const skipped = []
    for (const testModule of testModules) {
      for (const test of testModule.children.allTests('skipped')) {
        skipped.push({ name: `${testModule.relativeModuleId} > ${test.fullName}`, reason: reasonOf(test.result(), test.fullName) })
      }
    }
    process.stdout.write(`\n${formatSkipped(skipped)}`)
  }
}
