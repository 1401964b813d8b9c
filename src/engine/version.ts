/** The version of the package; a test holds it against package.json. */
export const version = '0.1.0'

/** How this program signs what it writes. */
export const writerName = `zooark/${version}`
