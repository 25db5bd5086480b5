import js from '@eslint/js'
import vue from 'eslint-plugin-vue'
import accessibility from 'eslint-plugin-vuejs-accessibility'
import globals from 'globals'
import ts from 'typescript-eslint'
import vueParser from 'vue-eslint-parser'

/** Where processes talk to each other: only these files may, so that every channel is typed, checked and known. */
const channelFiles = ['src/main/channels.ts', 'src/preload/index.ts']
const throughChannels = 'Talk to other processes through src/main/channels.ts and src/preload/index.ts alone.'

const unwanted = [
  { selector: 'TSEnumDeclaration', message: 'Use a union of literals.' },
  { selector: 'ExportDefaultDeclaration', message: 'Export by name.' }
]

/** Style and safety. Which layer may import which is in eslint.imports.config.mjs. */
export default ts.config(
  { ignores: ['out/', 'release/', 'node_modules/', 'runs/', 'demo/', 'test/golden/', '.scratch/', '.tfjs-native/'] },
  js.configs.recommended,
  vue.configs['flat/recommended'],
  accessibility.configs['flat/recommended'],
  {
    files: ['**/*.ts', '**/*.vue'],
    extends: [ts.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.vue']
      }
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // It asks for `!`, which is forbidden; a cast is rare and says why.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Builders and event sinks are passed around as objects of closures.
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-syntax': ['error', ...unwanted],
      eqeqeq: 'error'
    }
  },
  {
    files: ['*.config.ts'],
    rules: { 'no-restricted-syntax': 'off' }
  },
  {
    files: ['src/**/*.ts', 'src/**/*.vue'],
    ignores: channelFiles,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'electron', importNames: ['ipcMain', 'ipcRenderer', 'contextBridge'], message: throughChannels },
            ...['electron/main', 'electron/renderer', 'electron/common'].map((name) => ({
              name,
              message: throughChannels
            }))
          ]
        }
      ],
      'no-restricted-properties': [
        'error',
        ...['send', 'postMessage', 'sendToFrame', 'ipc'].map((property) => ({
          object: 'webContents',
          property,
          message: throughChannels
        }))
      ],
      'no-restricted-syntax': [
        'error',
        ...unwanted,
        {
          selector:
            "MemberExpression[object.property.name='webContents'][property.name=/^(send|postMessage|sendToFrame|ipc)$/]",
          message: throughChannels
        }
      ]
    }
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'onnxruntime-node',
              allowTypeImports: true,
              message: 'Take it from src/runtimes/onnxruntime-module.ts, which decides where it is loaded from.'
            }
          ]
        }
      ]
    }
  },
  {
    files: ['src/main/**/*.ts'],
    // The engine's process is the one thing that is spoken to otherwise, by orders of the contract.
    ignores: [...channelFiles, 'src/main/engine-process.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...unwanted,
        {
          selector: 'CallExpression[callee.property.name=/^(send|sendToFrame|postMessage)$/]',
          message: throughChannels
        }
      ]
    }
  },
  {
    files: ['**/*.vue'],
    languageOptions: { globals: globals.browser, parser: vueParser, parserOptions: { parser: ts.parser } },
    rules: {
      // An optional property without a default is undefined, as its type says.
      'vue/require-default-prop': 'off',
      // What prettier decides.
      'vue/html-self-closing': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      // The checker of types resolves what auto-imported components are; this one does not.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off'
    }
  },
  {
    files: ['src/renderer/globals.d.ts'],
    rules: { 'no-restricted-syntax': 'off' }
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: { globals: globals.node }
  }
)
