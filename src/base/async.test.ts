import { expect, it } from 'vitest'
import { mapAtOnce } from './async.ts'

it('results come in the order of items, and no more calls than allowed are under way', async () => {
  let underWay = 0
  let most = 0
  const results = await mapAtOnce([5, 1, 3, 0, 2, 4], 3, async (item, index) => {
    most = Math.max(most, ++underWay)
    for (let turn = 0; turn < item; turn++) await Promise.resolve()
    underWay--
    return `${index}:${item}`
  })
  expect(results).toEqual(['0:5', '1:1', '2:3', '3:0', '4:2', '5:4'])
  expect(most).toBe(3)
  expect(await mapAtOnce([], 3, async () => 1)).toEqual([])
})

it('the first failure is thrown after what was under way has ended, and nothing more is begun', async () => {
  const ended: number[] = []
  const running = mapAtOnce([0, 1, 2, 3, 4], 2, async (item) => {
    if (item === 0) throw new Error('first')
    await Promise.resolve()
    ended.push(item)
  })
  await expect(running).rejects.toThrow('first')
  expect(ended).toEqual([1])
})
