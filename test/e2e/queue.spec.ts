import { endStudio, expect, startStudio, test, trainDemo } from './studio'

test('runs wait in a queue that is reordered, shortened, and outlives a restart', async ({ data }) => {
  const studio = await startStudio({ data })
  const { page } = studio
  await trainDemo(studio)
  const entries = page.getByTestId('queue').getByRole('listitem')
  for (const count of [2, 3]) {
    await page.getByRole('link', { name: 'Home' }).click()
    await page.getByRole('button', { name: 'Try the demo' }).click()
    await expect(entries).toHaveCount(count)
  }
  const [, second = '', third = ''] = await entries.getByRole('link').allTextContents()
  await entries.last().getByRole('button', { name: 'Move up' }).click()
  await expect(entries.getByRole('link')).toHaveText([/demo/, third.trim(), second.trim()])
  await entries.last().getByRole('button', { name: 'Remove from the queue' }).click()
  await expect(entries).toHaveCount(2)
  await endStudio(studio)

  const later = await startStudio({ data })
  const kept = later.page.getByTestId('queue').getByRole('listitem')
  await expect(kept).toHaveCount(2)
  await expect(kept.first()).toContainText('paused')
  await expect(kept.last()).toContainText(third.trim())
  await expect(kept.last()).toContainText('waiting')
  await expect(later.page.getByText('Nothing is begun until you say so.')).toBeVisible()
  await endStudio(later)
})
