import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import {
  usualSettings,
  type EngineState,
  type NoticeValue,
  type Settings,
  type Start,
  type StudioDocument
} from '../../contract/channels'
import { dressPage, followDesktop } from '../appearance'
import { engine } from '../engine/connection'
import { valueOf } from '../action'

/** A document that was opened, or an entry of the menu. */
type Asked = { readonly document: StudioDocument } | { readonly command: NoticeValue<'command'> }

/** The app as a whole: its settings, and whether the engine is there. */
export const useStudio = defineStore('studio', () => {
  const version = ref('')
  const language = ref<Start['language']>('en')
  const settings = ref<Settings>(usualSettings)
  const engineState = ref<EngineState>({ state: 'starting' })
  const bundledModel = ref('')
  const canCheckForUpdate = ref(false)
  /** What was asked for last from outside the page; that may be before there is a page to show it. */
  const asked = shallowRef<Asked | null>(null)
  const isDark = followDesktop()

  const isEngineThere = computed(() => engineState.value.state === 'running')

  async function begin(): Promise<void> {
    dressPage(isDark, () => language.value)
    window.studio.onEngine((state) => {
      engineState.value = state
      if (state.state === 'lost' || state.state === 'failed') engine.lose(state.failure)
    })
    window.studio.onDocument((document) => {
      asked.value = { document }
    })
    window.studio.onCommand((command) => {
      asked.value = { command }
    })
    const start = await valueOf(window.studio.start())
    version.value = start.version
    language.value = start.language
    settings.value = start.settings
    engineState.value = start.engine
    bundledModel.value = start.bundledModel
    canCheckForUpdate.value = start.canCheckForUpdate
  }

  async function change(changes: Partial<Settings>): Promise<void> {
    const changed = await valueOf(window.studio.changeSettings(changes))
    settings.value = changed.settings
    language.value = changed.language
  }

  async function restartEngine(): Promise<void> {
    await valueOf(window.studio.restartEngine())
  }

  return {
    asked,
    restartEngine,
    version,
    language,
    settings,
    engineState,
    isEngineThere,
    bundledModel,
    canCheckForUpdate,
    isDark,
    begin,
    change
  }
})
