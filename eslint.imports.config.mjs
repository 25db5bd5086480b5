import boundaries from 'eslint-plugin-boundaries'
import ts from 'typescript-eslint'
import vueParser from 'vue-eslint-parser'

/** What each layer may import of ours. A layer may always import itself; what is not listed is forbidden. */
const allowed = {
  core: [],
  contract: [],
  formats: ['core'],
  runtimes: ['core', 'formats', 'contract'],
  engine: ['core', 'formats', 'runtimes', 'contract'],
  cli: ['engine', 'contract'],
  main: ['contract'],
  preload: ['contract'],
  // Of the preload, the types of what it offers.
  renderer: ['contract', 'core-for-screens', 'preload']
}

/** Parts of core that the screens may use as well. */
const elements = [
  {
    type: 'core-for-screens',
    pattern: ['src/core/imaging/**', 'src/core/evaluation/**', 'src/core/calibration/**'],
    partialMatch: false
  },
  ...Object.keys(allowed).map((layer) => ({ type: layer, pattern: `src/${layer}/**`, partialMatch: false }))
]

/** Parts of core are core, too. */
const withParts = (layers) => layers.flatMap((layer) => (layer === 'core' ? ['core', 'core-for-screens'] : [layer]))

const policy = (from, to) => ({
  from: { element: { type: from } },
  allow: [{ to: { element: { type: to } } }]
})

const nothingOfTheMachine =
  'core is pure: no Node, no browser, no clock, no chance. Take what is needed as an argument.'

export default ts.config(
  {
    files: ['src/**/*.ts', 'src/**/*.vue'],
    plugins: { boundaries },
    languageOptions: { parser: vueParser, parserOptions: { parser: ts.parser, sourceType: 'module' } },
    linterOptions: { reportUnusedDisableDirectives: 'off' },
    settings: {
      'boundaries/elements': elements,
      'boundaries/include': ['src/**/*.ts', 'src/**/*.vue'],
      'import/resolver': { typescript: { alwaysTryTypes: true } }
    },
    rules: {
      'boundaries/dependencies': [
        'error',
        {
          default: 'disallow',
          policies: [
            ...Object.entries(allowed).map(([from, to]) => policy([from], withParts([from, ...to]))),
            policy(['core-for-screens'], withParts(['core']))
          ]
        }
      ]
    }
  },
  {
    files: ['src/core/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex: '^[^.]', message: nothingOfTheMachine }] }],
      'no-restricted-globals': [
        'error',
        ...[
          'process',
          'Buffer',
          'performance',
          'Date',
          'console',
          'setTimeout',
          'setInterval',
          'fetch',
          'window',
          'document',
          'require'
        ].map((name) => ({ name, message: nothingOfTheMachine }))
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: nothingOfTheMachine },
        { object: 'globalThis', property: 'process', message: nothingOfTheMachine }
      ]
    }
  }
)
