import type { DrawnZnode } from '../../engine/look/draw-tree.ts'
import { znodeKindOf } from '../../engine/look/state-view.ts'
import { formatCount } from '../format-text.ts'
import { nameText } from './znode.ts'

/** The drawing, a line a znode. @param top the path asked for, which stands in full in the first line */
export function* treeLines(top: string, lines: readonly DrawnZnode[]): Generator<string> {
  /** What stands in front of the children of each level. */
  const rails: string[] = ['']
  for (const line of lines) {
    const { level } = line
    if (level === 0) {
      yield `${top}${notes(line)}`
      continue
    }
    yield `${rails[level - 1]}${line.hasNext ? '├── ' : '└── '}${nameText(line.path)}${notes(line)}`
    rails[level] = `${rails[level - 1]}${line.hasNext ? '│   ' : '    '}`
  }
}

/** What is not plain about the znode: its kind, its data, what is not drawn below it. */
function notes(line: DrawnZnode): string {
  const kind = znodeKindOf(line.stat.ephemeralOwner)
  const parts = [
    ...(kind === 'persistent' ? [] : [kind]),
    ...(line.dataLength > 0 ? [`${formatCount(line.dataLength)} B`] : []),
    ...(line.hidden > 0 ? [`${formatCount(line.hidden)} children not shown`] : []),
  ]
  return parts.length === 0 ? '' : `  (${parts.join(', ')})`
}
