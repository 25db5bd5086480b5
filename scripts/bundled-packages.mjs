/** The package whose module this is, as a folder below the project's; undefined for modules of our own. */
function packageOf(moduleId) {
  const path = moduleId.replaceAll('\\', '/').replace(/^\0/, '').split('?')[0]
  const [, folder] = /^.*?\/(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/.@][^/]*)\//.exec(path) ?? []
  return folder
}

/** A plugin of the build that writes which packages went into it: the licence list names them. */
export function listBundledPackages() {
  return {
    name: 'list-bundled-packages',
    generateBundle(_, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
      const folders = new Set(modules.map(packageOf).filter((folder) => folder !== undefined))
      this.emitFile({
        type: 'asset',
        fileName: 'bundled-packages.json',
        source: JSON.stringify([...folders].sort(), undefined, 2)
      })
    }
  }
}
