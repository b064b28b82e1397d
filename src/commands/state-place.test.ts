/**
 * Where a running program can be asked: which folders are trusted, and what names a config.
 */
import assert from 'node:assert/strict'
import { chownSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { folderWith } from '../../test/support/program.ts'
import { folderFault, openFolder, socketName, stateFolders } from './state-place.ts'

/** A folder of somebody else: root makes one, everybody else has the root of all files. */
function foreignFolder(): string {
  if (process.getuid?.() !== 0) return '/'
  const folder = join(folderWith(), 'theirs')
  mkdirSync(folder, { mode: 0o700 })
  chownSync(folder, 12_345, 12_345)
  return folder
}

test('a folder is made for us alone, whatever new files may be otherwise', () => {
  const before = process.umask(0)
  const folder = join(folderWith(), 'ours')
  assert.equal(openFolder([folder]), folder)
  process.umask(before)
  assert.equal(lstatSync(folder).mode & 0o777, 0o700)
  assert.equal(openFolder([folder]), folder, 'and used again')
})

test('a folder of somebody else is refused, and the next is not taken in its place', () => {
  const foreign = foreignFolder()
  assert.match(folderFault(foreign) ?? '', /belongs to another user|is open to other users/)
  const next = join(folderWith(), 'next')
  assert.throws(() => openFolder([foreign, next]), /belongs to another user/)
  assert.equal(lstatSync(next, { throwIfNoEntry: false }), undefined)
})

test('a link to a folder of ours is refused too: it may lead elsewhere tomorrow', () => {
  const link = join(folderWith(), 'link')
  symlinkSync(openFolder([join(folderWith(), 'ours')]), link)
  assert.equal(folderFault(link), `${link} is not a folder`)
})

test('where no folder can be made, the next is taken; when none can, it is said why', () => {
  const nowhere = join(folderWith(), 'a', 'b')
  const next = join(folderWith(), 'next')
  assert.equal(openFolder([nowhere, next]), next)
  assert.throws(() => openFolder([nowhere]), /ENOENT/)
  assert.equal(folderFault(nowhere), null)
})

test('the folder of a login counts only when it is ours', () => {
  const ours = folderWith()
  const count = (XDG_RUNTIME_DIR?: string) => stateFolders({ XDG_RUNTIME_DIR }).length
  assert.equal(stateFolders({ XDG_RUNTIME_DIR: ours })[0], join(ours, 'sluice'))
  for (const folder of [undefined, '', 'relative', join(ours, 'missing'), foreignFolder()])
    assert.equal(count(folder), 1, folder)
})

test('a config has one name, whatever way leads to it', () => {
  const folder = folderWith({ 'a.json': '{}', 'b.json': '{}' })
  symlinkSync(folder, join(folder, 'link'))
  const name = socketName(join(folder, 'a.json'))
  assert.match(name, /^[0-9a-f]{16}\.sock$/)
  assert.equal(socketName(join(folder, 'link', 'a.json')), name)
  assert.notEqual(socketName(join(folder, 'b.json')), name)
  writeFileSync(join(folder, 'c.json'), '')
  assert.match(socketName(join(folder, 'gone.json')), /\.sock$/)
})
