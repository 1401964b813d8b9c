/**
 * A small scanner of TypeScript text: enough to tell code from comments and string contents, without a parser.
 * Offsets and line numbers of the results are those of the text given.
 */

/** Characters after which a slash begins a regular expression, not a division. */
const beforeRegex = new Set(['', '(', ',', '=', ':', '[', '!', '&', '|', '?', '{', '}', ';', '+', '-', '*', '%', '<', '>', '~', '^', '\n'])
const wordsBeforeRegex = /\b(?:return|typeof|case|in|of|delete|void|throw|await|yield)$/

/** Position after the end of the quoted text that starts at `start`. */
function skipQuoted(text, start, quote) {
  let i = start + 1
  while (i < text.length && text[i] !== quote) i += text[i] === '\\' ? 2 : 1
  return i + 1
}

function skipRegex(text, start) {
  let inClass = false
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '[') inClass = true
    else if (text[i] === ']') inClass = false
    else if (text[i] === '/' && !inClass) return i + 1
    else if (text[i] === '\n') return i
  }
  return text.length
}

const blank = (text) => text.replaceAll(/[^\n]/g, ' ')

/**
 * The text with comments blanked, and with the contents of strings and regular expressions blanked too unless `strings` is 'keep'.
 * Code inside `${}` of a template stays visible.
 * @param {string} text
 * @param {{ strings: 'keep' | 'blank' }} options
 */
export function codeOf(text, options) {
  const keep = options.strings === 'keep'
  let out = ''
  let i = 0
  /** For every open template `${`, the depth of braces inside it. */
  const templates = []
  const literal = (end) => {
    out += keep ? text.slice(i, end) : text[i] + blank(text.slice(i + 1, Math.max(i + 1, end - 1))) + (end - i > 1 ? text[end - 1] : '')
    i = end
  }
  const template = (from) => {
    let j = from
    while (j < text.length && text[j] !== '`' && !(text[j] === '$' && text[j + 1] === '{')) j += text[j] === '\\' ? 2 : 1
    out += keep ? text.slice(from, j) : blank(text.slice(from, j))
    if (text[j] === '$') templates.push(0)
    out += text[j] === '$' ? '${' : (text[j] ?? '')
    i = j + (text[j] === '$' ? 2 : 1)
  }
  while (i < text.length) {
    const c = text[i]
    if (c === '/' && (text[i + 1] === '/' || text[i + 1] === '*')) {
      const close = text[i + 1] === '/' ? text.indexOf('\n', i) : text.indexOf('*/', i + 2)
      const end = close === -1 ? text.length : text[i + 1] === '/' ? close : close + 2
      out += blank(text.slice(i, end))
      i = end
    } else if (c === "'" || c === '"') literal(skipQuoted(text, i, c))
    else if (c === '`') {
      out += c
      template(i + 1)
    } else if (c === '/') {
      const before = out.trimEnd()
      if (beforeRegex.has(before.at(-1) ?? '') || wordsBeforeRegex.test(before)) literal(skipRegex(text, i))
      else out += text[i++]
    } else if (c === '}' && templates.at(-1) === 0) {
      templates.pop()
      out += c
      template(i + 1)
    } else {
      if (templates.length > 0 && (c === '{' || c === '}')) templates[templates.length - 1] += c === '{' ? 1 : -1
      out += c
      i++
    }
  }
  return out
}

/**
 * Every module that the text imports or re-exports, static or dynamic.
 * @returns {{ specifier: string, line: number, kind: 'import' | 'export' | 'dynamic' }[]}
 */
export function importsOf(text) {
  const code = codeOf(text, { strings: 'blank' })
  const found = []
  const add = (pattern, kindOf) => {
    for (const match of code.matchAll(pattern)) {
      const [start, end] = match.indices.groups.specifier
      const line = code.slice(0, match.index).split('\n').length
      found.push({ specifier: text.slice(start, end), line, kind: kindOf(match) })
    }
  }
  add(
    /^[ \t]*(?<word>import|export)\b(?:(?!^[ \t]*(?:import|export)\b)[^'"`;])*?\bfrom\s*['"](?<specifier> *)['"]/dgm,
    (m) => m.groups.word,
  )
  add(/^[ \t]*import\s*['"](?<specifier> *)['"]/dgm, () => 'import')
  add(/\bimport\s*\(\s*['"](?<specifier> *)['"]/dg, () => 'dynamic')
  return found
}
